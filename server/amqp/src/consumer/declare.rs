//! Making what a consumer needs, on a new connection or a new broker.

use lapin::{
    Channel, ExchangeKind as Kind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};

use crate::{
    subscription::{ExchangeKind, Queue, QueueKind, Subscription},
    value::write_table,
};

/// Of a name whose length was checked when the subscription was.
pub(crate) fn name(text: &str) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

/// Exchanges, queue, bindings. What is there already and is the same stays as it is.
pub(crate) async fn declare(channel: &Channel, subscription: &Subscription) -> Result<(), lapin::Error> {
    for exchange in &subscription.exchanges {
        let kind = match exchange.kind {
            ExchangeKind::Direct => Kind::Direct,
            ExchangeKind::Fanout => Kind::Fanout,
            ExchangeKind::Topic => Kind::Topic,
            ExchangeKind::Headers => Kind::Headers,
        };
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel.exchange_declare(name(&exchange.name), kind, options, FieldTable::default()).await?;
    }
    if let Some(queue) = &subscription.declare {
        channel.queue_declare(name(&subscription.queue), options(queue), queue.table()).await?;
    }
    for binding in &subscription.bindings {
        let arguments = write_table(&binding.arguments).unwrap_or_default();
        let (queue, exchange) = (name(&subscription.queue), name(&binding.exchange));
        let key = name(&binding.routing_key);
        channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), arguments).await?;
    }
    Ok(())
}

fn options(queue: &Queue) -> QueueDeclareOptions {
    let is_private = queue.kind == QueueKind::Private;
    QueueDeclareOptions { durable: !is_private, exclusive: is_private, ..QueueDeclareOptions::default() }
}

//! Messages on their way out: deliveries to exchanges.

use std::time::Duration;

use busbar_amqp::{Headers, Outgoing, Properties, PublishError, Value};
use busbar_engine::ports::{Outlet, OutletFuture};
use busbar_model::{
    Fault, bounds,
    delivery::{Claimed, Target},
    fault::FaultKind,
};
use tokio::time::Instant;

use crate::worker::brokers::Links;

impl Outlet for Links {
    fn send(&self, delivery: Claimed) -> OutletFuture {
        let link = match &delivery.target {
            Target::Amqp { connection, .. } => self.outgoing(connection),
            Target::Service(_) => None,
        };
        Box::pin(async move {
            let link = match link {
                Some(link) => link.map_err(unusable)?,
                None => return Err(unusable("there is no active connection of this name".to_owned())),
            };
            let Some(outgoing) = outgoing(delivery) else { return Err(Fault::internal(FaultKind::Failed)) };
            let deadline = Instant::now() + Duration::from_millis(bounds::OUTLET_TIMEOUT_MS);
            link.publish(outgoing, deadline).await.map(drop).map_err(|error| fault(&error))
        })
    }
}

fn unusable(problem: String) -> Fault {
    Fault::new(FaultKind::NotDeployed, problem).with_code("connection-unusable")
}

/// The message of a delivery. It can be told from others by the delivery's id, unless its sender named another.
fn outgoing(delivery: Claimed) -> Option<Outgoing> {
    let Target::Amqp { exchange, routing_key, .. } = delivery.target else { return None };
    let properties = delivery.properties;
    let headers: Headers =
        properties.headers.into_iter().map(|(name, value)| (name, Value::Text(value))).collect();
    Some(Outgoing {
        exchange,
        routing_key,
        properties: Properties {
            content_type: delivery.content_type,
            content_encoding: properties.content_encoding,
            correlation_id: properties.correlation_id.or(Some(delivery.correlation_id)),
            reply_to: properties.reply_to,
            message_id: properties.message_id.or(Some(delivery.id)),
            expiration_ms: properties.expiration_ms.map(u64::from),
            kind: properties.kind,
            priority: properties.priority,
            ..Properties::default()
        },
        headers,
        body: delivery.payload.into(),
        mandatory: true,
    })
}

/// What was not sent was no attempt; what reaches nobody may do so later, once its queue is there.
fn fault(error: &PublishError) -> Fault {
    let text = error.to_string();
    match error {
        PublishError::Unavailable(_) | PublishError::Blocked { .. } | PublishError::Busy { .. } => {
            Fault::new(FaultKind::NotDeployed, text).with_code("broker-unavailable")
        }
        PublishError::Unroutable { .. } | PublishError::NoExchange { .. } => {
            Fault::new(FaultKind::Failed, text).with_code("unroutable")
        }
        PublishError::Nacked | PublishError::Refused { .. } => {
            Fault::new(FaultKind::Failed, text).with_code("broker-refused")
        }
        PublishError::Unconfirmed { .. } => Fault::new(FaultKind::Failed, text).with_code("unconfirmed"),
        PublishError::TooLarge { .. } => Fault::new(FaultKind::TooLarge, text),
        PublishError::Invalid(_) => Fault::new(FaultKind::InvalidInput, text),
    }
}

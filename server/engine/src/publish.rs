//! Messages of services to brokers of others: at once, or as a part of the caller's unit of work.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Fault, Name, bounds,
    connection::{Client, amqp::KIND as AMQP},
    delivery::{Options, Properties, Target, short},
    fault::FaultKind,
};
use tokio::time::{Instant, timeout_at};

use crate::{
    authenticate::authorize_connection,
    deliver,
    invoke::broken,
    ports::{Origin, Outbound, Outlet},
    request::Input,
    ways,
};

/// When a broker that is away may be back.
const AWAY_S: u32 = 1;

/// A message as a service gives it.
pub struct Message {
    pub connection: String,
    /// The empty one leads to the queue that the routing key names.
    pub exchange: String,
    pub routing_key: String,
    pub properties: Properties,
    pub input: Input,
}

impl Message {
    /// Where it goes, if this service may send it there.
    fn target(&self, origin: &Origin) -> Result<Target, Fault> {
        let connection: Name = self.connection.parse().map_err(|_| ways::unknown())?;
        authorize(origin, &connection)?;
        let (exchange, routing_key) = (self.exchange.clone(), self.routing_key.clone());
        let target = Target::amqp(connection.as_str(), exchange, routing_key).map_err(invalid)?;
        self.properties.check().map_err(invalid)?;
        short("content-type", self.input.content_type.as_deref().unwrap_or_default()).map_err(invalid)?;
        Ok(target)
    }
}

/// Whether a service may use a connection that is there.
pub(crate) fn authorize(origin: &Origin, connection: &Name) -> Result<(), Fault> {
    authorize_connection(&origin.service, connection)?;
    match origin.context.catalog.definitions().connection(connection.as_str()) {
        Some(found) if matches!(found.client, Client::Amqp(_)) => Ok(()),
        Some(found) => Err(ways::unfit(found, AMQP)),
        None => Err(ways::unknown()),
    }
}

fn invalid(text: String) -> Fault {
    Fault::new(FaultKind::InvalidInput, format!("the message can't be sent: {text}"))
}

/// As a part of the caller's unit of work. The result is the delivery's id.
pub async fn hand_over(origin: &Origin, message: Message, options: Options) -> Result<String, Fault> {
    let target = message.target(origin)?;
    let Message { properties, input, .. } = message;
    deliver::stage(origin, target, properties, input, options).await
}

/// At once, whatever becomes of the caller. Ends in time for the caller to be told how.
pub(crate) async fn publish(
    origin: &Origin,
    outlet: Option<&Arc<dyn Outlet>>,
    message: Message,
) -> Result<(), Fault> {
    let Target::Amqp { connection, exchange, routing_key } = message.target(origin)? else {
        return Err(Fault::internal(FaultKind::Failed));
    };
    let Message { properties, input: Input { content_type, body }, .. } = message;
    let payload = body.collect(bounds::DELIVERY_BYTES_MAX).await.map_err(broken)?;
    let now = Instant::now();
    let left = origin.deadline.saturating_duration_since(now) * 9 / 10;
    let outbound = Outbound {
        id: origin.unit.ledger().new_id(),
        connection,
        exchange,
        routing_key,
        content_type,
        properties,
        payload,
        correlation_id: origin.context.correlation.to_string(),
        deadline: now + left.min(Duration::from_millis(bounds::PUBLISH_TIMEOUT_MS)),
    };
    send(outlet, outbound).await.map_err(|fault| match fault.kind {
        FaultKind::NotDeployed => fault.with_retry_after_s(AWAY_S),
        _ => fault,
    })
}

/// Ends with the broker's confirmation.
pub(crate) async fn send(outlet: Option<&Arc<dyn Outlet>>, message: Outbound) -> Result<(), Fault> {
    let outlet = outlet.ok_or_else(no_outlet)?;
    let late = |_| {
        let fault = Fault::new(FaultKind::Timeout, "the broker did not confirm the message in time");
        fault.with_code("unconfirmed")
    };
    timeout_at(message.deadline, outlet.send(message)).await.map_err(late)?
}

fn no_outlet() -> Fault {
    Fault::new(FaultKind::NotDeployed, "connections of kind amqp are not there").with_code("no-outlet")
}

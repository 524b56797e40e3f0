//! Messages on their way out: deliveries to exchanges, and what services publish.

use busbar_amqp::{Headers, Outgoing, Properties, PublishError, Value};
use busbar_engine::ports::{Outbound, Outlet, OutletFuture};
use busbar_model::{Fault, fault::FaultKind};

use crate::worker::brokers::Links;

impl Outlet for Links {
    fn send(&self, message: Outbound) -> OutletFuture {
        let link = self.outgoing(&message.connection);
        Box::pin(async move {
            let link = match link {
                Some(link) => link.map_err(unusable)?,
                None => return Err(unusable("there is no active connection of this name".to_owned())),
            };
            let deadline = message.deadline;
            link.publish(outgoing(message), deadline).await.map(drop).map_err(|error| fault(&error))
        })
    }
}

fn unusable(problem: String) -> Fault {
    Fault::new(FaultKind::NotDeployed, problem).with_code("connection-unusable")
}

fn outgoing(message: Outbound) -> Outgoing {
    let properties = message.properties;
    let headers: Headers =
        properties.headers.into_iter().map(|(name, value)| (name, Value::Text(value))).collect();
    Outgoing {
        exchange: message.exchange,
        routing_key: message.routing_key,
        properties: Properties {
            content_type: message.content_type,
            content_encoding: properties.content_encoding,
            correlation_id: properties.correlation_id.or(Some(message.correlation_id)),
            reply_to: properties.reply_to,
            message_id: properties.message_id.or(Some(message.id)),
            expiration_ms: properties.expiration_ms.map(u64::from),
            kind: properties.kind,
            priority: properties.priority,
            ..Properties::default()
        },
        headers,
        body: message.payload,
        mandatory: true,
    }
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

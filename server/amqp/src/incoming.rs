//! A message that was handed out.

use bytes::Bytes;
use lapin::message::Delivery;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    properties::{self, Properties},
    value::{Headers, Value},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Whole(Bytes),
    /// Larger than the subscription allows; it was thrown away, and the broker has it until the message is settled.
    Oversized {
        bytes: usize,
    },
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done with, and the broker forgets it.
    Ack,
    /// It goes back to its place in the queue, or to the end of a quorum queue that has no delivery limit. Quorum
    /// queues count that.
    Requeue,
    /// It is dead-lettered, if the queue says where to, and gone otherwise.
    Reject,
}

/// What the task hears that has the channel.
pub(crate) enum Told {
    /// A settlement on its way to the broker.
    Settled { epoch: u64, tag: u64, how: Settlement },
    /// Answered when all that was told before is written.
    Flush(oneshot::Sender<()>),
}

/// Which channel of a consumer handed it out, and under which number there.
pub(crate) struct Origin {
    pub(crate) epoch: u64,
    pub(crate) tag: u64,
    pub(crate) settled: mpsc::UnboundedSender<Told>,
}

/// One message in hand. It goes back to the queue if it is dropped without being settled.
pub struct Incoming {
    pub properties: Properties,
    pub headers: Headers,
    pub body: Body,
    pub exchange: String,
    pub routing_key: String,
    /// It may have been handed out before.
    pub redelivered: bool,
    /// How often it came back before this, as a quorum queue counts; 0 elsewhere.
    pub delivery_count: u64,
    origin: Origin,
    is_settled: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Incoming {
    pub(crate) fn read(delivery: Delivery, body_bytes_max: usize, origin: Origin) -> Self {
        let (properties, headers) = properties::read(&delivery.properties);
        let bytes = delivery.data.len();
        let body = if bytes > body_bytes_max {
            Body::Oversized { bytes }
        } else {
            Body::Whole(Bytes::from(delivery.data))
        };
        let delivery_count = match headers.get("x-delivery-count") {
            Some(Value::Integer(count)) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        Self {
            properties,
            headers,
            body,
            exchange: delivery.exchange.to_string(),
            routing_key: delivery.routing_key.to_string(),
            redelivered: delivery.redelivered,
            delivery_count,
            origin,
            is_settled: false,
            permit: None,
        }
    }

    /// It is in somebody's hand from now on.
    pub(crate) fn hand_out(mut self, permit: OwnedSemaphorePermit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// Tells the broker, as soon as the connection lets it. If the connection that the message came by is gone,
    /// nothing is told: the broker hands the message out again.
    pub fn settle(mut self, how: Settlement) {
        self.tell(how);
    }

    /// It is known to be handed out again, or to be taken care of.
    pub(crate) fn forget(mut self) {
        self.is_settled = true;
    }

    fn tell(&mut self, how: Settlement) {
        self.is_settled = true;
        let Origin { epoch, tag, .. } = self.origin;
        // A consumer that has ended has nobody to tell.
        let _ = self.origin.settled.send(Told::Settled { epoch, tag, how });
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_settled {
            self.tell(Settlement::Requeue);
        }
    }
}

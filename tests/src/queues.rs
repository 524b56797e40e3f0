//! A bus with a broker of its own, and a client that puts messages into it and takes them out.

use std::time::Duration;

use busbar_amqp::{Body, Endpoint, Headers, Link, Outgoing, Properties, Settlement, Subscription};
use busbar_test_broker::Broker;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{poll, quickstart::Quickstart};

/// For the broker to do what it is asked, also after it was killed.
const BROKER_BOUND: Duration = Duration::from_secs(60);

/// Someone who is not the bus.
pub struct Peer {
    link: Link,
}

impl Peer {
    pub fn new(broker: &Broker) -> Self {
        let endpoint = Endpoint::new(broker.host(), broker.port(), "/", "guest", "guest");
        Self { link: Link::start(endpoint).expect("the endpoint is sound") }
    }

    /// Returns when the broker has it.
    pub async fn put(&self, queue: &str, properties: Properties, body: impl Into<Vec<u8>>) {
        let outgoing = Outgoing {
            routing_key: queue.to_owned(),
            properties,
            body: body.into().into(),
            mandatory: true,
            ..Outgoing::default()
        };
        let deadline = Instant::now() + BROKER_BOUND;
        self.link.publish(outgoing, deadline).await.unwrap_or_else(|error| panic!("{queue}: {error}"));
    }

    /// A JSON message that has an id.
    pub async fn put_json(&self, queue: &str, id: &str, body: &Value) {
        self.put(queue, with_id(id), body.to_string()).await;
    }

    /// Takes the next message out of a queue that is there.
    pub async fn take(&self, queue: &str) -> Taken {
        let consumer = self.link.consume(Subscription::to(queue)).expect("the subscription is sound");
        let incoming = timeout(BROKER_BOUND, consumer.next()).await.expect("a message").expect("a link");
        let Body::Whole(body) = incoming.body.clone() else { panic!("a message of that size") };
        let (properties, headers) = (incoming.properties.clone(), incoming.headers.clone());
        incoming.settle(Settlement::Ack);
        assert!(consumer.drain(Instant::now() + BROKER_BOUND).await, "the broker was not told");
        Taken { properties, headers, body: body.to_vec() }
    }
}

/// A message that was taken out.
pub struct Taken {
    pub properties: Properties,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Taken {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// Of JSON.
pub fn with_id(id: &str) -> Properties {
    Properties {
        content_type: Some("application/json".to_owned()),
        message_id: Some(id.to_owned()),
        ..Properties::default()
    }
}

impl Quickstart {
    /// The connection `broker`.
    pub async fn connect(&self, broker: &Broker) {
        let connection = json!({"name": "broker", "kind": "amqp", "url": broker.url()});
        self.admin("POST", "/connections", Some(&connection)).await.expect(201);
    }

    /// A channel named like its queue, which it declares; `members` go into what it has of AMQP.
    pub async fn consume(&self, broker: &Broker, queue: &str, service: &str, members: Value) -> Value {
        let mut amqp = json!({"connection": "broker", "queue": queue, "declare": {"kind": "quorum"}});
        if let (Some(amqp), Value::Object(members)) = (amqp.as_object_mut(), members) {
            amqp.extend(members);
        }
        let channel = json!({"name": queue, "protocol": "amqp", "service": service, "amqp": amqp});
        let channel = self.admin("POST", "/channels", Some(&channel)).await.expect(201);
        self.wait_consumers(broker, queue, self.workers().await.len() as u64).await;
        channel
    }

    pub async fn wait_consumers(&self, broker: &Broker, queue: &str, wanted: u64) {
        poll::until(&format!("{wanted} consumers of {queue}"), BROKER_BOUND, async || {
            let consumers = broker.consumers("/", queue).unwrap_or_default();
            if consumers == wanted { Ok(()) } else { Err(consumers.to_string()) }
        })
        .await;
    }

    /// Once the queue is empty, also of what is not acknowledged.
    pub async fn wait_empty(&self, broker: &Broker, queue: &str) {
        self.wait_depth(broker, queue, 0).await;
    }

    /// Once so many messages are in the queue, those that are not acknowledged among them.
    pub async fn wait_depth(&self, broker: &Broker, queue: &str, wanted: u64) {
        poll::until(&format!("{wanted} messages in {queue}"), BROKER_BOUND, async || {
            match broker.depth("/", queue) {
                Some(depth) if depth == wanted => Ok(()),
                depth => Err(format!("{depth:?}")),
            }
        })
        .await;
    }

    /// How often `keeper.receive` took a message of this name.
    pub async fn received(&self, name: &str) -> i64 {
        let reply = self.invoke("keeper.received", &json!({"name": name})).await.expect(200);
        reply["count"].as_i64().unwrap_or_default()
    }

    pub async fn wait_received(&self, name: &str, wanted: i64) {
        poll::until(&format!("{wanted} of {name}"), BROKER_BOUND, async || {
            let received = self.received(name).await;
            if received == wanted { Ok(()) } else { Err(received.to_string()) }
        })
        .await;
    }
}

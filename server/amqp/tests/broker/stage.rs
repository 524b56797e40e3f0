//! What the tests have in common: a broker, links to it, and waiting until something is so.

use std::time::Duration;

use busbar_amqp::{
    Body, Confirmed, Consumer, ConsumerState, Endpoint, Incoming, Link, Outgoing, PublishError, Queue,
    QueueKind, State, Subscription,
};
use busbar_test_broker::Broker;
use tokio::time::{Instant, sleep, timeout};

/// For what takes a moment: the slowest of it is a broker that starts, and the pause before the next attempt, which
/// can be half a minute.
pub(crate) const BOUND: Duration = Duration::from_secs(120);

const INTERVAL: Duration = Duration::from_millis(20);

pub(crate) fn within(bound: Duration) -> Instant {
    Instant::now() + bound
}

pub(crate) fn endpoint(broker: &Broker, vhost: &str) -> Endpoint {
    Endpoint::new(broker.host(), broker.port(), vhost, "guest", "guest")
}

pub(crate) fn link(broker: &Broker, vhost: &str) -> Link {
    Link::start(endpoint(broker, vhost)).expect("the endpoint is right")
}

/// A quorum queue that is declared.
pub(crate) fn quorum(queue: &str) -> Subscription {
    Subscription { declare: Some(Queue::default()), ..Subscription::to(queue) }
}

pub(crate) fn classic(queue: &str) -> Subscription {
    let declare = Queue { kind: QueueKind::Classic, ..Queue::default() };
    Subscription { declare: Some(declare), ..Subscription::to(queue) }
}

/// To a queue by its name.
pub(crate) fn message(queue: &str, body: impl Into<Vec<u8>>) -> Outgoing {
    Outgoing {
        routing_key: queue.to_owned(),
        body: body.into().into(),
        mandatory: true,
        ..Outgoing::default()
    }
}

pub(crate) async fn publish(link: &Link, outgoing: Outgoing) -> Result<Confirmed, PublishError> {
    link.publish(outgoing, within(BOUND)).await
}

pub(crate) async fn next(consumer: &Consumer) -> Incoming {
    let incoming = timeout(BOUND, consumer.next()).await.expect("a message comes");
    incoming.expect("the consumer is there")
}

#[track_caller]
pub(crate) fn text(incoming: &Incoming) -> String {
    match &incoming.body {
        Body::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Oversized { bytes } => panic!("{bytes} bytes are too many"),
    }
}

/// Asks until the answer is yes. The questions are counted and not the time, which passes on a machine that is halted
/// too.
pub(crate) async fn until(what: &str, mut question: impl FnMut() -> bool) {
    for _ in 0..BOUND.as_millis() / INTERVAL.as_millis() {
        if question() {
            return;
        }
        sleep(INTERVAL).await;
    }
    panic!("{what}: not within {BOUND:?}");
}

pub(crate) async fn until_state(link: &Link, what: &str, wanted: impl FnMut(&State) -> bool) -> State {
    let mut state = link.state();
    let seen = timeout(BOUND, state.wait_for(wanted)).await.map(|seen| seen.expect("the link lives").clone());
    seen.unwrap_or_else(|_| panic!("{what}: the link is {:?}", link.state().borrow()))
}

pub(crate) async fn until_consumer(
    consumer: &Consumer,
    what: &str,
    wanted: impl FnMut(&ConsumerState) -> bool,
) -> ConsumerState {
    let mut state = consumer.state();
    let seen = timeout(BOUND, state.wait_for(wanted)).await.map(|seen| seen.expect("it lives").clone());
    seen.unwrap_or_else(|_| panic!("{what}: the consumer is {:?}", consumer.state().borrow()))
}

pub(crate) async fn connected(link: &Link) {
    until_state(link, "connected", |state| matches!(state, State::Connected)).await;
}

pub(crate) async fn consuming(consumer: &Consumer) {
    until_consumer(consumer, "consuming", |state| matches!(state, ConsumerState::Consuming)).await;
}

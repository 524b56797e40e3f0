//! What a broker refuses, and what is said of it.

use std::time::Duration;

use busbar_amqp::{
    ConsumerState, Endpoint, Identity, Link, PublishError, Queue, Reason, Settlement, State, Subscription,
    Tls,
};
use busbar_test_broker::{Broker, Certificates};

use crate::stage::{
    BOUND, classic, connected, consuming, endpoint, message, next, publish, quorum, text, until,
    until_consumer, until_state, within,
};

/// Why a link does not connect, after it tried twice.
async fn refused(endpoint: Endpoint) -> Reason {
    let link = Link::start(endpoint).unwrap();
    let refused = |state: &State| matches!(state, State::Reconnecting { attempts: 2.., .. });
    match until_state(&link, "refused", refused).await {
        State::Reconnecting { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_refused_says_why() {
    let broker = Broker::start();
    let plain = || endpoint(&broker, "/");
    let wrong = refused(Endpoint { password: "wrong".to_owned(), ..plain() }).await;
    assert_eq!(wrong, Reason::Credentials { username: "guest".to_owned() });
    let unknown = refused(endpoint(&broker, "nowhere")).await;
    assert!(matches!(&unknown, Reason::Vhost { vhost, .. } if vhost == "nowhere"), "{unknown:?}");
    broker.user("ada", "secret");
    let ada = Endpoint { username: "ada".to_owned(), password: "secret".to_owned(), ..plain() };
    let not_hers = refused(ada.clone()).await;
    assert!(matches!(not_hers, Reason::Vhost { .. }), "{not_hers:?}");
    let closed = refused(Endpoint { port: 1, ..plain() }).await;
    assert!(closed.to_string().starts_with("127.0.0.1:1 can't be reached: "), "{closed}");

    let certificates = broker.certificates();
    let tls =
        Tls { ca_pem: certificates.ca_pem.clone(), server_name: "localhost".to_owned(), identity: None };
    let secure = |tls: Tls| Endpoint { port: broker.tls_port(), tls: Some(tls), ..plain() };
    let stranger = Tls { ca_pem: Certificates::make().ca_pem, ..tls.clone() };
    let stranger = refused(secure(stranger)).await.to_string();
    assert!(stranger.contains("is not from the authority that is trusted for it"), "{stranger}");
    let other_name =
        refused(secure(Tls { server_name: "other".to_owned(), ..tls.clone() })).await.to_string();
    assert!(other_name.contains("is not for \"other\""), "{other_name}");
    let no_tls = refused(Endpoint { tls: Some(tls.clone()), ..plain() }).await;
    assert!(matches!(no_tls, Reason::Tls { .. }), "{no_tls:?}");
    let bad_pem =
        refused(secure(Tls { ca_pem: "no certificate".to_owned(), ..tls.clone() })).await.to_string();
    assert!(bad_pem.ends_with("ca_pem holds no certificate"), "{bad_pem}");

    let client = Identity {
        certificate_pem: certificates.client.certificate_pem.clone(),
        key_pem: certificates.client.key_pem.clone(),
    };
    for identity in [None, Some(client)] {
        let link = Link::start(secure(Tls { identity, ..tls.clone() })).unwrap();
        let consumer = link.consume(quorum("secure")).unwrap();
        publish(&link, message("secure", vec![7; 300_000])).await.ok();
        consuming(&consumer).await;
        publish(&link, message("secure", vec![7; 300_000])).await.unwrap();
        next(&consumer).await.settle(Settlement::Ack);
    }

    // What was refused is let in when the broker is changed: nobody has to start anything again.
    let link = Link::start(ada).unwrap();
    until_state(&link, "refused", |state| matches!(state, State::Reconnecting { .. })).await;
    let unsent = link.publish(message("x", "x"), within(Duration::from_millis(50))).await;
    assert!(matches!(unsent, Err(PublishError::Unavailable(Reason::Vhost { .. }))), "{unsent:?}");
    assert!(matches!(link.ping(within(Duration::from_millis(50))).await, Err(Reason::Vhost { .. })));
    broker.permit("/", "ada");
    connected(&link).await;
    link.ping(within(BOUND)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_refused_hurts_no_other() {
    let broker = Broker::start();
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    let steady = link.consume(quorum("steady")).unwrap();
    consuming(&steady).await;
    let reason = |state: ConsumerState| match state {
        ConsumerState::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    let is_refused = |state: &ConsumerState| matches!(state, ConsumerState::Refused { .. });

    broker.declare("/", "taken", "classic");
    let other_kind = link.consume(quorum("taken")).unwrap();
    let said = reason(until_consumer(&other_kind, "refused", is_refused).await);
    assert!(said.starts_with("PRECONDITION_FAILED") && said.contains("taken"), "{said}");
    broker.delete("/", "taken");
    consuming(&other_kind).await;

    let missing = link.consume(Subscription::to("missing")).unwrap();
    let said = reason(until_consumer(&missing, "refused", is_refused).await);
    assert!(said.starts_with("NOT_FOUND - no queue 'missing'"), "{said}");
    broker.declare("/", "missing", "classic");
    consuming(&missing).await;

    // Deleted under the consumer, and declared again by it.
    let again = link.consume(classic("again")).unwrap();
    consuming(&again).await;
    let mut states = again.state();
    states.mark_unchanged();
    broker.delete("/", "again");
    let said = reason(until_consumer(&again, "refused", is_refused).await);
    assert!(said.starts_with("the broker ended the consumer"), "{said}");
    consuming(&again).await;
    publish(&link, message("again", "there")).await.unwrap();
    let incoming = next(&again).await;
    assert_eq!(text(&incoming), "there");
    incoming.settle(Settlement::Ack);
    broker.delete("/", "missing");
    until_consumer(&missing, "refused", is_refused).await;

    let bad = Queue { delivery_limit: Some(1), ..Queue::default() };
    let limited = Subscription { declare: Some(bad), ..Subscription::to("limited") };
    let limited = link.consume(limited).unwrap();
    consuming(&limited).await;
    publish(&link, message("limited", "twice")).await.unwrap();
    next(&limited).await.settle(Settlement::Requeue);
    let second = next(&limited).await;
    assert_eq!(second.delivery_count, 1);
    second.settle(Settlement::Requeue);
    until("nothing", || broker.depth("/", "limited") == Some(0)).await;

    // All the while the connection and the other consumer have been there.
    assert!(matches!(*steady.state().borrow(), ConsumerState::Consuming));
    publish(&link, message("steady", "still")).await.unwrap();
    next(&steady).await.settle(Settlement::Ack);
    assert_eq!((steady.stale_settlements(), broker.connections().len()), (0, 1));
}

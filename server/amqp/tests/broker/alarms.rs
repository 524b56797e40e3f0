//! A broker without memory or room on its disk.

use std::time::Duration;

use busbar_amqp::{Link, PublishError, Settlement, State};
use busbar_test_broker::Broker;
use tokio::time::timeout;

use crate::stage::{
    connected, consuming, endpoint, message, next, publish, quorum, text, until_state, within,
};

#[tokio::test(flavor = "multi_thread")]
async fn publishers_wait_and_consumers_do_not() {
    let broker = Broker::start();
    let publishing = Link::start(endpoint(&broker, "/")).unwrap();
    let consuming_link = Link::start(endpoint(&broker, "/")).unwrap();
    let consumer = consuming_link.consume(quorum("work")).unwrap();
    consuming(&consumer).await;

    let alarms: [(&str, fn(&Broker, bool)); 2] =
        [("memory", Broker::alarm_memory), ("disk", Broker::alarm_disk)];
    for (resource, alarm) in alarms {
        publish(&publishing, message("work", "before")).await.unwrap();
        alarm(&broker, true);
        // The broker blocks a connection when it publishes: this one is sent, and read when the alarm is over.
        let first = tokio::spawn({
            let publishing = publishing.clone();
            async move { publish(&publishing, message("work", "first")).await }
        });
        let blocked =
            until_state(&publishing, "blocked", |state| matches!(state, State::Blocked { .. })).await;
        assert!(
            matches!(&blocked, State::Blocked { reason, .. } if reason.contains(resource)),
            "{blocked:?}"
        );
        let held = publishing.publish(message("work", "held"), within(Duration::from_millis(100))).await;
        assert!(
            matches!(&held, Err(PublishError::Blocked { reason }) if reason.contains(resource)),
            "{held:?}"
        );
        let patient = tokio::spawn({
            let publishing = publishing.clone();
            async move { publish(&publishing, message("work", "patient")).await }
        });

        let incoming = next(&consumer).await;
        assert_eq!(text(&incoming), "before");
        incoming.settle(Settlement::Ack);
        assert!(!first.is_finished() && !patient.is_finished());

        alarm(&broker, false);
        connected(&publishing).await;
        first.await.unwrap().unwrap();
        patient.await.unwrap().unwrap();
        let mut rest = Vec::new();
        for _ in 0..2 {
            let incoming = next(&consumer).await;
            rest.push(text(&incoming));
            incoming.settle(Settlement::Ack);
        }
        rest.sort();
        assert_eq!(rest, ["first", "patient"], "the one that was held was never sent");
    }
    assert!(timeout(Duration::from_millis(200), consumer.next()).await.is_err());
}

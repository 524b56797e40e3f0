//! The harness itself, against the broker that it starts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics and says why")]

use std::{net::TcpStream, process::Command};

use busbar_test_broker::{Broker, Message};

/// One broker for all that can be asked of it: starting takes seconds.
#[test]
fn a_broker_does_what_a_test_asks() {
    let mut broker = Broker::start();
    broker.vhost("a");
    broker.user("ada", "secret");
    broker.permit("a", "ada");
    broker.declare("a", "work", "quorum");
    assert_eq!(broker.depth("a", "work"), Some(0));
    assert_eq!(broker.depth("a", "nothing"), None);
    assert!(broker.connections().is_empty());

    broker.publish("a", "", "work", b"one");
    broker.publish("a", "", "work", "zw\u{f6}lf \"12\"\n".as_bytes());
    broker.stop();
    assert!(!broker.is_running() && TcpStream::connect(("127.0.0.1", broker.port())).is_err());
    broker.start_again();
    broker.publish("a", "", "work", b"three");
    broker.kill();
    broker.start_again();
    let taken = broker.take_all("a", "work");
    let message = |body: &str| Message { body: body.to_owned(), redelivered: false };
    assert_eq!(taken, [message("one"), message("zw\u{f6}lf \"12\"\n"), message("three")]);

    broker.alarm_memory(true);
    broker.alarm_disk(true);
    assert_eq!(broker.evaluate("integer_to_list(length(rabbit_alarm:get_alarms()))"), "2");
    broker.alarm_memory(false);
    broker.alarm_disk(false);
    assert_eq!(broker.evaluate("integer_to_list(length(rabbit_alarm:get_alarms()))"), "0");

    broker.wipe();
    assert_eq!(broker.depth("a", "work"), None);
    assert_eq!(broker.depth("/", "work"), None);

    let port = broker.port();
    drop(broker);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// In the environment of this test when it is to start a broker and be killed.
const DOOMED: &str = "BUSBAR_TEST_BROKER_DOOMED";

#[test]
fn a_broker_goes_with_a_test_that_is_killed() {
    if std::env::var_os(DOOMED).is_some() {
        let broker = Broker::start();
        std::fs::write(std::env::var_os(DOOMED).unwrap(), broker.port().to_string()).unwrap();
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("port");
    let name = "a_broker_goes_with_a_test_that_is_killed";
    let mut test = Command::new(std::env::current_exe().unwrap());
    let ended = test.args(["--exact", name]).env(DOOMED, &told).output().unwrap();
    assert!(!ended.status.success());
    let port: u16 = std::fs::read_to_string(told).unwrap().parse().unwrap();
    let started = std::time::Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(started.elapsed().as_secs() < 20, "the broker outlived its test");
        std::thread::yield_now();
    }
}

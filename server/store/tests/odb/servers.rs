//! Servers' reports of themselves.

use busbar_model::server::{Condition, Wanted, WorkerState};
use busbar_store::{Action, AuditFilter, By, Error, Page};
use serde_json::json;

use crate::fixture::{DEAD_MS, Fixture, NOW, by, server};

#[test]
fn a_heartbeat_replaces_what_was_known() {
    let fixture = Fixture::new();
    let mut reported = server("s1", NOW);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    fixture.odb.heartbeat(&server("s0", NOW), DEAD_MS).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), [server("s0", NOW), reported.clone()]);
    reported.heartbeat_at = NOW.plus_ms(2_000);
    reported.workers[0].state = WorkerState::Draining;
    let mut second = reported.workers[0].clone();
    second.slot = 1;
    reported.workers.push(second);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    assert_eq!(fixture.odb.servers().unwrap()[1], reported);
    reported.workers.clear();
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    assert_eq!(fixture.odb.servers().unwrap()[1], reported);
    assert_eq!(fixture.odb.head().unwrap().version, 0);
}

#[test]
fn a_server_set_up_anew_takes_the_place_of_its_namesake() {
    let fixture = Fixture::new();
    fixture.odb.heartbeat(&server("s1", NOW), DEAD_MS).unwrap();
    let mut anew = server("s1", NOW.plus_ms(DEAD_MS - 1));
    anew.id = "another-id".to_owned();
    let taken = |at| fixture.odb.has_live_namesake(&anew.name, &anew.id, at, DEAD_MS).unwrap();
    assert!(taken(anew.heartbeat_at) && !taken(NOW.plus_ms(DEAD_MS)));
    let refused = fixture.odb.heartbeat(&anew, DEAD_MS).unwrap_err();
    assert!(matches!(&refused, Error::LiveNamesake { name } if name.as_str() == "s1"), "{refused}");
    anew.heartbeat_at = NOW.plus_ms(DEAD_MS);
    fixture.odb.heartbeat(&anew, DEAD_MS).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), [anew]);
}

#[test]
fn what_people_want_of_a_server_is_not_its_own_to_say() {
    let fixture = Fixture::new();
    let mut reported = server("s1", NOW);
    let heartbeat = |reported: &_| fixture.odb.heartbeat(reported, DEAD_MS).unwrap();
    assert_eq!(heartbeat(&reported), Wanted::Serve);
    for _ in 0..2 {
        fixture.odb.want_server(&by(), &reported.id, Wanted::Drain).unwrap();
    }
    assert_eq!(heartbeat(&reported), Wanted::Drain);
    reported.standing.condition = Condition::Drained;
    reported.standing.reason = Some("asked".to_owned());
    heartbeat(&reported);
    reported.standing.wanted = Wanted::Drain;
    assert_eq!(fixture.odb.servers().unwrap(), [reported.clone()]);
    fixture.odb.want_server(&by(), &reported.id, Wanted::Serve).unwrap();
    assert_eq!(heartbeat(&reported), Wanted::Serve);
    let trail = fixture.odb.audit(&Page::first(9), &AuditFilter::default()).unwrap().items;
    let actions: Vec<_> = trail.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::Resume, Action::Drain]);
    let nobody = fixture.odb.want_server(&by(), "nobody", Wanted::Drain);
    assert!(matches!(nobody, Err(Error::NotFound { .. })));
}

#[test]
fn a_server_is_forgotten_once_it_is_gone() {
    let fixture = Fixture::new();
    let reported = server("s1", by().now);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    let remove = |by| fixture.odb.remove_server(&by, &reported.id, DEAD_MS);
    assert!(matches!(remove(by()), Err(Error::StillLive { .. })));
    remove(By { now: by().now.plus_ms(DEAD_MS), ..by() }).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), []);
    assert!(matches!(remove(by()), Err(Error::NotFound { .. })));
}

#[test]
fn who_says_that_it_ends_is_not_waited_for() {
    let fixture = Fixture::new();
    let reported = server("s1", NOW);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    fixture.odb.depart(&reported.id, NOW, DEAD_MS).unwrap();
    let seen = fixture.odb.servers().unwrap().remove(0);
    assert!(!seen.is_live(NOW, DEAD_MS));
    assert_eq!(seen.standing.condition, Condition::Stopped);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    assert_eq!(fixture.odb.servers().unwrap(), [reported], "it came back");
}

#[test]
fn a_servers_share_of_the_calls_is_for_people_to_say() {
    let fixture = Fixture::new();
    let reported = server("s1", NOW);
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    fixture.odb.weigh_server(&by(), &reported.id, 7).unwrap();
    fixture.odb.want_server(&by(), &reported.id, Wanted::Drain).unwrap();
    fixture.odb.heartbeat(&reported, DEAD_MS).unwrap();
    let seen = fixture.odb.servers().unwrap().remove(0).standing;
    assert_eq!((seen.weight, seen.wanted), (7, Wanted::Drain));
}

#[test]
fn balancers_are_set_once_and_say_how_they_do() {
    let fixture = Fixture::new();
    let begun = fixture.odb.balancer().unwrap();
    assert_eq!((begun.settings, begun.revision), (json!({}), 0));
    let wanted = json!({"algorithm": "leastconn"});
    let set = fixture.odb.set_balancer(&by(), Some(0), &wanted).unwrap();
    assert_eq!((&set.settings, set.revision), (&wanted, 1));
    assert_eq!(fixture.odb.set_balancer(&by(), None, &wanted).unwrap(), set, "nothing is changed");
    let late = fixture.odb.set_balancer(&by(), Some(0), &json!({}));
    assert!(matches!(late, Err(Error::RevisionMismatch { current: 1 })), "{late:?}");
    assert_eq!(fixture.odb.balancer().unwrap(), set);
    for at in 0..70 {
        let agent = format!("lb-{at:02}");
        fixture.odb.report_balancer(&agent, NOW.plus_ms(at), &json!({"n": at})).unwrap();
    }
    fixture.odb.report_balancer("lb-69", NOW, &json!({"n": 0})).unwrap();
    let reports = fixture.odb.balancer_reports().unwrap();
    assert_eq!((reports.len(), reports[0].agent.as_str()), (64, "lb-06"));
    assert_eq!(reports[63].report, json!({"n": 0}));
}

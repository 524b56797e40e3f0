//! How a breaker goes from one state to the next, on a clock of the test's.

use super::*;

fn policy() -> Policy {
    Policy {
        failures: 3,
        percent: 50,
        window: Duration::from_secs(10),
        open: Duration::from_secs(5),
        open_max: Duration::from_secs(12),
    }
}

fn after(start: Instant, milliseconds: u64) -> Instant {
    start + Duration::from_millis(milliseconds)
}

fn opened(start: Instant) -> Breaker {
    let mut breaker = Breaker::new(policy(), start);
    for _ in 0..3 {
        let admission = breaker.admit(start).unwrap();
        breaker.failed(admission, start);
    }
    breaker
}

#[test]
fn enough_failures_open_it() {
    let start = Instant::now();
    let mut breaker = Breaker::new(policy(), start);
    let admission = breaker.admit(start).unwrap();
    assert!(!breaker.failed(admission, start) && !breaker.failed(admission, start));
    assert!(breaker.failed(admission, start));
    assert_eq!(breaker.admit(after(start, 1000)), Err(Duration::from_secs(4)));
}

#[test]
fn a_small_share_of_failures_does_not() {
    let start = Instant::now();
    let mut breaker = Breaker::new(policy(), start);
    let admission = breaker.admit(start).unwrap();
    for _ in 0..10 {
        breaker.succeeded(admission, start);
    }
    for _ in 0..9 {
        assert!(!breaker.failed(admission, start));
    }
    assert!(breaker.failed(admission, start));
}

#[test]
fn failures_are_forgotten_with_their_window() {
    let start = Instant::now();
    let mut breaker = Breaker::new(policy(), start);
    let admission = breaker.admit(start).unwrap();
    breaker.failed(admission, start);
    breaker.failed(admission, after(start, 5_000));
    assert!(!breaker.failed(admission, after(start, 10_500)), "the first one is gone");
    assert!(!breaker.failed(admission, after(start, 40_000)), "all are gone");
    assert_eq!(breaker.window.sums(after(start, 40_000)), (1, 1));
    assert_eq!(breaker.window.sums(after(start, 60_000)), (0, 0));
}

#[test]
fn one_probe_at_a_time_decides() {
    let start = Instant::now();
    let mut breaker = opened(start);
    let later = after(start, 5_000);
    let probe = breaker.admit(later).unwrap();
    assert!(probe.is_probe);
    assert_eq!(breaker.admit(later), Err(PROBE_PAUSE));
    breaker.succeeded(probe, later);
    assert!(!breaker.admit(later).unwrap().is_probe);
}

#[test]
fn each_failed_probe_doubles_the_pause_up_to_its_bound() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    for seconds in [10, 12, 12] {
        now += Duration::from_secs(12);
        let probe = breaker.admit(now).unwrap();
        assert!(breaker.failed(probe, now));
        assert_eq!(breaker.admit(now), Err(Duration::from_secs(seconds)));
    }
}

#[test]
fn a_probe_that_tells_nothing_makes_room_for_another() {
    let start = Instant::now();
    let mut breaker = opened(start);
    let later = after(start, 5_000);
    let probe = breaker.admit(later).unwrap();
    breaker.forget(probe);
    assert!(breaker.admit(later).unwrap().is_probe);
}

#[test]
fn what_was_let_out_before_it_opened_changes_nothing() {
    let start = Instant::now();
    let mut breaker = Breaker::new(policy(), start);
    let early = breaker.admit(start).unwrap();
    for _ in 0..3 {
        breaker.failed(early, start);
    }
    assert!(!breaker.failed(early, start));
    breaker.succeeded(early, start);
    assert!(breaker.admit(start).is_err());
}

#[test]
fn a_state_that_was_read_out_is_put_back() {
    let start = Instant::now();
    let kept = opened(start).read_out(after(start, 1_000), 50_000);
    assert_eq!((kept.phase, kept.open_ms, kept.opened), (Phase::Open, 4_000, 1));
    let text = serde_json::to_string(&kept).unwrap();
    let kept: BreakerState = serde_json::from_str(&text).unwrap();

    let mut breaker = Breaker::new(policy(), start);
    breaker.put_back(&kept, start, 51_500);
    assert_eq!(breaker.admit(start), Err(Duration::from_millis(2_500)), "time went by meanwhile");
    let probe = breaker.admit(after(start, 2_500)).unwrap();
    breaker.failed(probe, after(start, 2_500));
    assert_eq!(breaker.admit(after(start, 2_500)), Err(Duration::from_secs(10)), "it is the second time");
}

#[test]
fn a_clock_that_jumped_keeps_nothing_open_for_ever() {
    let start = Instant::now();
    let kept =
        BreakerState { phase: Phase::Open, opened: 1, open_ms: u64::MAX, calls: 0, failures: 0, at_ms: 9 };
    let mut breaker = Breaker::new(policy(), start);
    breaker.put_back(&kept, start, 0);
    assert_eq!(breaker.admit(start), Err(Duration::from_secs(12)));
}

#[test]
fn counts_of_a_closed_one_are_kept_for_their_window() {
    let start = Instant::now();
    let kept = BreakerState { phase: Phase::Closed, opened: 0, open_ms: 0, calls: 2, failures: 2, at_ms: 0 };
    let mut breaker = Breaker::new(policy(), start);
    breaker.put_back(&kept, start, 9_000);
    let admission = breaker.admit(start).unwrap();
    assert!(breaker.failed(admission, start));
    breaker.put_back(&kept, start, 11_000);
    let admission = breaker.admit(start).unwrap();
    assert!(!breaker.failed(admission, start));
}

#[test]
fn a_probe_that_was_under_way_is_so_no_more() {
    let start = Instant::now();
    let mut breaker = opened(start);
    let later = after(start, 5_000);
    breaker.admit(later).unwrap();
    let kept = breaker.read_out(later, 0);
    assert_eq!(kept.phase, Phase::HalfOpen);
    breaker.put_back(&kept, later, 0);
    assert!(breaker.admit(later).unwrap().is_probe);
}

//! Runs: how they end with the deliveries that carry them, and who is told.

use busbar_model::{
    bounds::RUN_OUTPUT_BYTES_MAX,
    delivery::{Claimed, DeliveryState, Outcome as Settled, Settlement},
    job::Draft,
    run::Outcome,
    unit::Unit,
};
use busbar_store::{Retry, Sweeping};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, NOW, by, name},
    scheduling::{SECOND, every},
    staging::{CLAIM_MS, after, again, failure, still},
};

fn told(job: &str) -> Draft {
    Draft { on_success: Some(name("cheer")), on_failure: Some(name("alarm")), ..every(job, "10s") }
}

fn given_up(attempt: u32) -> Settled {
    Settled::GivenUp { state: DeliveryState::Failed, failure: failure(attempt, "broken") }
}

impl Fixture {
    fn confirm(&self, claimed: &Claimed, output: Option<Vec<u8>>) {
        let (id, claim) = (claimed.id.clone(), claimed.claim.clone());
        let settlement = Settlement { id, claim, outcome: Settled::Confirmed, output };
        let unit = Unit { settlement: Some(settlement), ..Unit::default() };
        self.odb.commits().commit(still, || vec![unit]).unwrap().remove(0).unwrap();
    }

    /// What the next claimed delivery carries, which must be to `target`.
    #[track_caller]
    fn message_to(&self, target: &str, ms: i64) -> Value {
        let claimed = self.claim_only(ms);
        assert_eq!(claimed.target.to_string(), target);
        serde_json::from_slice(&claimed.payload).unwrap()
    }
}

#[test]
fn a_run_succeeds_with_its_delivery_and_the_next_service_is_told() {
    let fixture = Fixture::new();
    let job = fixture.job(told("often"));
    fixture.fire(10 * SECOND);
    let claimed = fixture.claim_only(10 * SECOND);
    fixture.confirm(&claimed, Some(br#"{"orders":7}"#.to_vec()));
    let run = fixture.runs(&job).remove(0);
    assert_eq!((run.outcome, run.error.clone()), (Some(Outcome::Success), None));
    assert!(run.ended_at.is_some() && run.duration_ms().is_some());
    let message = fixture.message_to("cheer", 11 * SECOND);
    assert_eq!((&message["job"], &message["run"]), (&json!("often"), &json!(run.id)));
    assert_eq!((&message["outcome"], &message["output"]), (&json!("success"), &json!({"orders": 7})));
    assert_eq!(message["correlation_id"], json!(run.correlation_id));
    assert_eq!(fixture.job_now(&job).tally.success, 1);
}

#[test]
fn a_run_fails_when_its_attempts_are_used_up_and_the_next_service_is_told_why() {
    let fixture = Fixture::new();
    let job = fixture.job(told("often"));
    fixture.fire(10 * SECOND);
    fixture.settle(&fixture.claim_only(10 * SECOND), again(12 * SECOND, 1)).unwrap();
    assert_eq!(fixture.shown(&job), [(10, None)], "there are attempts left");
    fixture.settle(&fixture.claim_only(12 * SECOND), given_up(2)).unwrap();
    assert_eq!(fixture.shown(&job), [(10, Some(Outcome::Failure))]);
    let message = fixture.message_to("alarm", 13 * SECOND);
    assert_eq!((&message["outcome"], &message["output"]), (&json!("failure"), &Value::Null));
    assert_eq!(message["error"], json!({"code": "broken", "message": "because of broken"}));
    assert_eq!(fixture.job_now(&job).tally.failure, 1);
}

#[test]
fn a_run_whose_service_is_not_there_fails_when_its_time_is_up() {
    let fixture = Fixture::new();
    let job = fixture.job(Draft { expires_ms: 5_000, ..every("often", "10s") });
    fixture.fire(10 * SECOND);
    assert!(fixture.claim(15 * SECOND).is_empty());
    let run = fixture.runs(&job).remove(0);
    assert_eq!((run.outcome, run.started_at), (Some(Outcome::Failure), None));
    let error = run.error.unwrap();
    assert_eq!(error.code, "expired");
    assert_eq!(error.message, "its time was up; service \"summary\" was not there");
}

#[test]
fn a_run_of_which_nothing_is_heard_is_attempted_again_and_fails_without_attempts() {
    let fixture = Fixture::new();
    let job = fixture.job(Draft { attempts: 2, ..told("often") });
    fixture.fire(10 * SECOND);
    let first = 10 * SECOND;
    fixture.claim_only(first);
    assert!(fixture.claim(first + CLAIM_MS).is_empty());
    assert_eq!(fixture.shown(&job), [(10, None)]);
    let second = first + CLAIM_MS + 2 * SECOND;
    assert_eq!(fixture.claim_only(second).attempt, 2);
    fixture.claim(second + CLAIM_MS);
    assert_eq!(fixture.shown(&job), [(10, Some(Outcome::Failure))]);
    assert_eq!(fixture.runs(&job)[0].error.as_ref().unwrap().code, "claim-expired");
    assert_eq!(fixture.message_to("alarm", second + CLAIM_MS + SECOND)["outcome"], "failure");
}

#[test]
fn a_person_s_retry_opens_a_run_again_and_a_discard_ends_it() {
    let fixture = Fixture::new();
    let job = fixture.job(every("often", "10s"));
    fixture.fire(10 * SECOND);
    let claimed = fixture.claim_only(10 * SECOND);
    fixture.settle(&claimed, given_up(1)).unwrap();
    fixture.odb.retry_delivery(&by(), &claimed.id, None, &Retry::default()).unwrap();
    assert_eq!(fixture.shown(&job), [(10, None)]);
    fixture.fire(20 * SECOND);
    assert_eq!(fixture.shown(&job), [(10, None), (20, Some(Outcome::Skipped))], "it is under way again");
    fixture.odb.discard_delivery(&by(), &claimed.id, None).unwrap();
    assert_eq!(fixture.shown(&job)[0], (10, Some(Outcome::Failure)));
    let error = fixture.runs(&job).into_iter().find(|run| run.delivery.is_some()).unwrap().error.unwrap();
    assert_eq!(error.code, "discarded");
}

#[test]
fn what_is_under_way_of_a_deleted_job_ends_and_is_told_to_nobody() {
    let fixture = Fixture::new();
    let job = fixture.job(told("often"));
    fixture.fire(10 * SECOND);
    let claimed = fixture.claim_only(10 * SECOND);
    fixture.odb.delete_job(&by(), &job.id, None).unwrap();
    fixture.confirm(&claimed, None);
    assert_eq!(fixture.delivery(&claimed.id).state, DeliveryState::Confirmed);
    assert!(fixture.claim(20 * SECOND).is_empty());
    assert!(fixture.odb.job_runs(&job.id, &busbar_store::Page::first(1), &Default::default()).is_err());
}

#[test]
fn an_output_that_is_no_json_is_not_told() {
    let fixture = Fixture::new();
    fixture.job(told("often"));
    fixture.fire(10 * SECOND);
    fixture.confirm(&fixture.claim_only(10 * SECOND), Some(vec![b'x'; RUN_OUTPUT_BYTES_MAX]));
    assert_eq!(fixture.message_to("cheer", 11 * SECOND)["output"], Value::Null);
}

#[test]
fn ended_runs_are_forgotten_in_time() {
    let fixture = Fixture::new();
    let job = fixture.job(every("often", "10s"));
    fixture.fire(10 * SECOND);
    fixture.confirm(&fixture.claim_only(10 * SECOND), None);
    fixture.fire(20 * SECOND);
    let sweep = |runs_before| {
        let sweeping = Sweeping { now: NOW, confirmed_before: NOW, given_up_before: NOW, runs_before };
        fixture.odb.sweep(fixture.fence, sweeping).unwrap()
    };
    sweep(NOW);
    assert_eq!(fixture.shown(&job).len(), 2);
    sweep(after(60 * SECOND));
    assert_eq!(fixture.shown(&job), [(20, None)]);
}

#[test]
fn runs_are_counted_by_job_up_to_a_number() {
    let fixture = Fixture::new();
    for job in ["a", "b", "c", "d"] {
        fixture.job(Draft { expires_ms: 1_000, ..every(job, "10s") });
    }
    fixture.job(every("idle", "1h"));
    fixture.fire(10 * SECOND);
    fixture.claim(30 * SECOND);
    let counts = fixture.odb.run_counts(2).unwrap();
    let one = [0, 1, 0];
    assert_eq!(counts, [("a".to_owned(), one), ("b".to_owned(), one), (String::new(), [0, 2, 0])]);
}

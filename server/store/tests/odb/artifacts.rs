//! Artifacts, and what becomes of old ones.

use busbar_model::{Digest, bounds::ARTIFACT_CHUNK_BYTES};
use busbar_store::{DeploymentFilter, Error, Page, Received};

use crate::fixture::{Fixture, by, name, new_deployment};

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn an_artifact_reads_as_it_was_stored() {
    let fixture = Fixture::new();
    for size in [0, 1, ARTIFACT_CHUNK_BYTES, 3 * ARTIFACT_CHUNK_BYTES, 3 * ARTIFACT_CHUNK_BYTES + 1] {
        let bytes = bytes(size);
        let deployment = fixture.receive("echo", &bytes);
        assert!(fixture.odb.artifact(&deployment.digest).unwrap() == bytes, "{size}");
    }
    assert!(matches!(fixture.odb.artifact(&Digest::of(b"other")), Err(Error::NotFound { .. })));
}

#[test]
fn a_damaged_artifact_is_not_given_out() {
    let fixture = Fixture::new();
    let deployment = fixture.receive("echo", &bytes(2 * ARTIFACT_CHUNK_BYTES));
    fixture.place.sql("DELETE FROM artifact_chunk WHERE ordinal = 1");
    assert!(matches!(fixture.odb.artifact(&deployment.digest), Err(Error::Corrupt { .. })));
}

#[test]
fn the_active_version_and_some_before_it_are_kept() {
    let fixture = Fixture::new();
    for version in [b"1", b"2", b"3", b"4"] {
        fixture.deploy("echo", version);
    }
    let failed = fixture.receive("echo", b"bad");
    fixture.odb.fail(&by(), &failed.id, "bad").unwrap();
    let pending = fixture.receive("echo", b"5");
    let mut deleted = fixture.odb.prune_versions(&name("echo"), 2).unwrap();
    let mut expected = [Digest::of(b"1"), failed.digest];
    deleted.sort();
    expected.sort();
    assert_eq!(deleted, expected);
    let kept = [Digest::of(b"2"), Digest::of(b"3"), Digest::of(b"4"), pending.digest];
    for digest in kept {
        fixture.odb.artifact(&digest).unwrap();
    }
    let mut digests = fixture.odb.artifact_digests().unwrap();
    digests.sort();
    let mut expected = kept;
    expected.sort();
    assert_eq!(digests, expected);
    assert!(matches!(fixture.odb.artifact(&Digest::of(b"1")), Err(Error::NotFound { .. })));
    assert_eq!(fixture.odb.prune_versions(&name("echo"), 2).unwrap(), []);
    let gone = fixture.odb.rollback(&by(), &name("echo"), Some(Digest::of(b"1")));
    assert!(matches!(gone, Err(Error::NothingToRollBackTo { .. })));
}

#[test]
fn what_another_plugin_still_has_is_kept() {
    let fixture = Fixture::new();
    fixture.deploy("one", b"shared");
    // Described under another name, as a plain component is under another file name.
    fixture.odb.recall(&by(), &name("one")).unwrap();
    fixture.deploy("two", b"shared");
    fixture.deploy("two", b"next");
    assert_eq!(fixture.odb.prune_versions(&name("two"), 0).unwrap(), []);
}

#[test]
fn a_pruned_version_can_be_deployed_anew() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    fixture.deploy("echo", b"2");
    assert_eq!(fixture.odb.prune_versions(&name("echo"), 0).unwrap(), [Digest::of(b"1")]);
    assert!(matches!(fixture.odb.receive(&by(), new_deployment("echo", b"1")).unwrap(), Received::New(_)));
    assert_eq!(fixture.odb.artifact(&Digest::of(b"1")).unwrap(), b"1");
}

#[test]
fn a_thousand_deployments_are_kept_as_history() {
    let fixture = Fixture::new();
    let live = fixture.deploy("echo", b"1");
    let failed =
        |n: i64| format!("('f{n}', {n}, 'echo', 'sha256:{n:064}', 'failed', 'api', 'ada', {n}, {n})");
    let failures: Vec<String> = (2..=1_100).map(failed).collect();
    fixture.place.sql(&format!(
        "INSERT INTO deployment (id, ordinal, plugin, digest, state, source, actor, created_us, updated_us) VALUES {}",
        failures.join(", ")
    ));
    assert_eq!(fixture.odb.prune_versions(&name("echo"), 1).unwrap(), []);
    let all = fixture.odb.deployments(&Page::first(2_000), &DeploymentFilter::default()).unwrap().items;
    assert_eq!(all.len(), 1_001, "1000 and the active one");
    assert!(all.iter().any(|deployment| deployment.id == live.id));
    assert!(!all.iter().any(|deployment| deployment.id == "f100"));
    assert!(all.iter().any(|deployment| deployment.id == "f101"));
}

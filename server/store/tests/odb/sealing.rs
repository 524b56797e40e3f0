//! What is sealed is not in the database's files.

use crate::{
    connections::{create as connect, hidden, secured},
    fixture::Fixture,
    secrets::create,
};

#[test]
fn the_files_hold_no_secret() {
    let fixture = Fixture::new();
    create(&fixture, "pay-key", "open sesame");
    connect(&fixture, &secured("CERTIFICATE", hidden("sesame key")));
    for suffix in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{suffix}", fixture.path().display())).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"sesame"), "{suffix}");
    }
}

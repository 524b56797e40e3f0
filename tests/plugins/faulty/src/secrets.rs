//! A service that is careless with a secret.

use busbar_sdk::prelude::*;
use busbar_sdk::secrets;

#[input]
pub(crate) struct Wanted {
    name: String,
    #[serde(default)]
    end: End,
}

#[input]
#[derive(Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    #[default]
    Well,
    Fail,
    Panic,
}

/// Writes a secret to the log in every way there is, and answers with its length.
#[service(secret = "pay-key")]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the log has what is printed")]
pub(crate) fn secret(input: Wanted) -> Result<usize, Fault> {
    let value = secrets::get(&input.name)?;
    info!("the secret is {value}");
    info!(value = value, quoted = format!("{value:?}"); "in fields");
    println!("printed: {value}");
    let half = value.len() / 2;
    print!("in two pieces: {}", value.get(..half).unwrap_or_default());
    println!("{}", value.get(half..).unwrap_or_default());
    eprintln!("quoted: {value:?}");
    match input.end {
        End::Well => Ok(value.len()),
        End::Fail => Err(Fault::fail(format!("it failed with {value}")).code(value)),
        End::Panic => panic!("it panicked with {value}"),
    }
}

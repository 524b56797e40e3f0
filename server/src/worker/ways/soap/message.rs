//! A request of an operation, with what a connection shows of itself.

use std::fmt::Write as _;

use busbar_engine::ways;
use busbar_model::{
    Fault, Timestamp,
    connection::{
        Soap as Definition,
        soap::{PasswordType, UsernameToken as Token},
    },
    fault::FaultKind,
};
use busbar_soap::client::{Client, Options, Outgoing, Unsendable, UsernameToken};

use crate::clock;

/// Of a nonce and of a boundary.
const RANDOM_BYTES: usize = 16;
/// For how long a message holds.
const HOLDS_MS: i64 = 300_000;

/// What goes with each message of a connection.
pub(super) struct Manner {
    token: Option<(Token, String)>,
    mtom: bool,
}

impl Manner {
    pub(super) fn of(definition: &Definition<String>) -> Self {
        let token = definition.username_token.clone().zip(definition.token_password.clone());
        Self { token, mtom: definition.mtom }
    }

    pub(super) fn message(&self, client: &Client, operation: &str, input: &[u8]) -> Result<Outgoing, Fault> {
        let random = random()?;
        let now = clock::now();
        let (created, expires) = (milliseconds(now), milliseconds(now.plus_ms(HOLDS_MS)));
        let username_token = self.token.as_ref().map(|(token, password)| UsernameToken {
            username: &token.username,
            password,
            digest: token.password_type == PasswordType::Digest,
            nonce: &random,
            created: &created,
            expires: Some(&expires),
        });
        let boundary = random.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let mtom = self.mtom.then_some(boundary.as_str());
        let options = Options { username_token, mtom, ..Options::default() };
        client.request(operation, input, &options).map_err(unsendable)
    }
}

/// Without chance nothing is sent: a nonce that is known is none.
fn random() -> Result<[u8; RANDOM_BYTES], Fault> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| ways::unusable(error.to_string()))?;
    Ok(bytes)
}

/// Some partners take no fractions that are longer.
fn milliseconds(time: Timestamp) -> String {
    time.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn unsendable(unsendable: Unsendable) -> Fault {
    let text = unsendable.to_string();
    match unsendable {
        Unsendable::UnknownOperation(_) => {
            Fault::new(FaultKind::NotFound, text).with_code("operation-unknown")
        }
        Unsendable::Unsupported { problem, .. } => {
            Fault::new(FaultKind::InvalidInput, format!("{text}: {problem}")).with_code("operation-unusable")
        }
        Unsendable::Invalid(errors) => Fault { errors, ..Fault::new(FaultKind::InvalidInput, text) },
        Unsendable::Header(_) => Fault::new(FaultKind::InvalidInput, text),
    }
}

//! Third stage: who is calling, and may they.

mod certificate;
mod token;

pub use certificate::Certificate;
pub(crate) use certificate::{REQUIRED as CERTIFICATE_REQUIRED, is_own};
pub(crate) use token::Verified;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_model::{
    Digest, Fault, Name, Security,
    fault::FaultKind,
    security::{Certificates, Credential, PasswordType},
};
use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use subtle::ConstantTimeEq as _;

use crate::{catalog::BoundService, password::Verifier, route::Admitted};

pub const API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Proof that a caller was let in; made in this module only.
pub(crate) struct Permit {
    pub(crate) caller: Option<Name>,
}

/// A security definition, ready to check with.
pub struct Guard {
    name: Name,
    credential: Credential,
    check: Check,
}

enum Check {
    Basic {
        username: String,
        password: Verifier,
    },
    /// `None`: what is stored is no digest, so no key fits.
    ApiKey {
        digest: Option<Digest>,
    },
    /// In the message, not in the headers.
    WsSecurity {
        security: Security,
        username: String,
        accepts: PasswordType,
    },
    Certificate(Certificates),
}

impl Guard {
    pub(crate) fn new(security: &Security) -> Self {
        let check = match &security.credential {
            Credential::Basic { username, password_hash } => {
                Check::Basic { username: username.clone(), password: Verifier::new(password_hash.clone()) }
            }
            Credential::ApiKey { key_sha256, .. } => {
                Check::ApiKey { digest: Digest::from_hex(key_sha256).ok() }
            }
            Credential::WsSecurity { username, accepts, .. } => Check::WsSecurity {
                security: security.clone(),
                username: username.clone(),
                accepts: *accepts,
            },
            Credential::ClientCertificate(certificates) => Check::Certificate(certificates.clone()),
        };
        Self { name: security.name.clone(), credential: security.credential.clone(), check }
    }

    pub(crate) fn is_of(&self, security: &Security) -> bool {
        self.name == security.name && self.credential == security.credential
    }

    async fn admits(&self, shown: Option<&Certificate>, headers: &HeaderMap) -> Result<bool, Fault> {
        match &self.check {
            Check::Basic { username, password } => {
                let Some((user, given)) = basic(headers) else { return Ok(false) };
                // The password is checked for a wrong name too: both take the same time.
                let fits = password.fits(&given).await?;
                Ok(bool::from(user.as_bytes().ct_eq(username.as_bytes())) && fits)
            }
            Check::ApiKey { digest } => Ok(match (headers.get(API_KEY_HEADER), digest) {
                (Some(key), Some(digest)) => {
                    Digest::of(key.as_bytes()).as_bytes().ct_eq(digest.as_bytes()).into()
                }
                _ => false,
            }),
            Check::WsSecurity { .. } => Ok(false),
            Check::Certificate(certificates) => Ok(shown.is_some_and(|shown| shown.is_of(certificates))),
        }
    }

    fn refusal(&self, shown: Option<&Certificate>) -> Fault {
        if let Check::Certificate(_) = self.check {
            tracing::debug!(security = %self.name, ?shown, "a client is refused for its certificate");
            return certificate::refusal(shown);
        }
        let mut fault = Fault::new(FaultKind::Unauthenticated, "credentials are missing or wrong");
        fault.challenge = self.challenge().map(str::to_owned);
        fault
    }

    /// For `WWW-Authenticate`; `None` where no header would do.
    fn challenge(&self) -> Option<&'static str> {
        match self.check {
            Check::Basic { .. } => Some(r#"Basic realm="busbar", charset="UTF-8""#),
            Check::ApiKey { .. } => Some(r#"ApiKey realm="busbar", header="X-API-Key""#),
            Check::WsSecurity { .. } | Check::Certificate(_) => None,
        }
    }

    /// The header that carried the credential; services do not see it.
    fn header(&self) -> Option<HeaderName> {
        match self.check {
            Check::Basic { .. } => Some(AUTHORIZATION),
            Check::ApiKey { .. } => Some(API_KEY_HEADER),
            Check::WsSecurity { .. } | Check::Certificate(_) => None,
        }
    }
}

/// User and password of an `Authorization: Basic` header (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (user.to_owned(), password.to_owned()))
}

/// Checks the credentials of a request and takes them out of it. `shown` is the client's certificate.
pub(crate) async fn authenticate(
    admitted: Admitted<'_>,
    shown: Option<&Certificate>,
    headers: &mut HeaderMap,
) -> Result<Permit, Fault> {
    let guard = match admitted {
        Admitted::Everyone => return Ok(Permit { caller: None }),
        Admitted::Nobody => return Err(Fault::new(FaultKind::NotAllowed, "no caller is allowed here")),
        Admitted::By(guard) => guard,
    };
    if !guard.admits(shown, headers).await? {
        return Err(guard.refusal(shown));
    }
    if let Some(header) = guard.header() {
        headers.remove(header);
    }
    Ok(Permit { caller: Some(guard.name.clone()) })
}

/// The same for a call from within: a plugin reaches the services that it was granted.
pub(crate) fn authorize_invoke(from: &BoundService, service: &str) -> Result<Permit, Fault> {
    if from.grants.allows_invoke(service) {
        return Ok(Permit { caller: Some(from.plugin_name.clone()) });
    }
    let text = format!("plugin {} has no grant to invoke {service}", from.plugin_name);
    Err(Fault::new(FaultKind::NotAllowed, text).with_code("not-granted"))
}

/// Whether a plugin may use a connection.
pub(crate) fn authorize_connection(from: &BoundService, connection: &Name) -> Result<Permit, Fault> {
    if from.grants.allows_connection(connection.as_str()) {
        return Ok(Permit { caller: Some(from.plugin_name.clone()) });
    }
    let text = format!("plugin {} has no grant to use connection {connection}", from.plugin_name);
    Err(Fault::new(FaultKind::NotAllowed, text).with_code("not-granted"))
}

/// Whether a plugin may ask a dictionary.
pub(crate) fn authorize_dictionary(from: &BoundService, dictionary: &Name) -> Result<Permit, Fault> {
    if from.grants.allows_dictionary(dictionary.as_str()) {
        return Ok(Permit { caller: Some(from.plugin_name.clone()) });
    }
    let text = format!("plugin {} has no grant to ask dictionary {dictionary}", from.plugin_name);
    Err(Fault::new(FaultKind::NotAllowed, text).with_code("not-granted"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Guard, authenticate, basic};
    use crate::route::Admitted;
    use busbar_model::{Digest, Security, Timestamp, fault::FaultKind, security::Credential};

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    fn guard(credential: Credential) -> Guard {
        Guard::new(&Security {
            id: "1".into(),
            name: "partner".parse().unwrap(),
            credential,
            revision: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        })
    }

    #[test]
    fn reads_basic_credentials() {
        // RFC 7617, section 2.
        let given = basic(&headers("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).unwrap();
        assert_eq!(given, ("Aladdin".to_owned(), "open sesame".to_owned()));
        for bad in ["Basic", "Basic !!", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbg=="] {
            assert_eq!(basic(&headers("authorization", bad)), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn an_api_key_lets_in_and_goes_no_further() {
        let key = "kid.secret";
        let guard =
            guard(Credential::ApiKey { key_id: "kid".into(), key_sha256: Digest::of(key.as_bytes()).hex() });
        let mut good = headers("x-api-key", key);
        let permit =
            authenticate(Admitted::By(&guard), None, &mut good).await.unwrap_or_else(|f| panic!("{f:?}"));
        assert_eq!(permit.caller.unwrap().as_str(), "partner");
        assert!(good.is_empty());
        for mut bad in [HeaderMap::new(), headers("x-api-key", "kid.wrong"), headers("x-api-key", "")] {
            let Err(fault) = authenticate(Admitted::By(&guard), None, &mut bad).await else { panic!() };
            assert_eq!(fault.kind, FaultKind::Unauthenticated);
            assert!(fault.challenge.is_some());
        }
    }

    #[tokio::test]
    async fn a_closed_channel_lets_nobody_in() {
        let Err(fault) = authenticate(Admitted::Nobody, None, &mut HeaderMap::new()).await else { panic!() };
        assert_eq!(fault.kind, FaultKind::NotAllowed);
    }
}

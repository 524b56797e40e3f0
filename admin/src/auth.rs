//! Login by bearer token (RFC 6750), or by a certificate of the cluster. Everything needs it but what is listed here.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use busbar_model::digest::hex;
use busbar_pki::{Identity, Role};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    app::App,
    balancer, body, health,
    members::joining,
    metrics, openapi,
    problem::{Kind, Problem},
    servers,
};

const OPEN: [&str; 6] =
    [health::LIVE, health::READY, health::PING, metrics::PATH, openapi::PATH, joining::JOIN];
/// What a balancer's agent needs.
const OF_BALANCERS: [&str; 3] = [joining::VISIT, balancer::STATE, balancer::REPORTS];

/// The member at the other end of the connection: its certificate is one of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Peer(pub(crate) Identity);

impl Peer {
    pub(crate) fn actor(&self) -> String {
        format!("{} {}", self.0.role, self.0.name)
    }

    /// A server looks at itself, drains itself and leaves.
    fn is_own(&self, path: &str) -> bool {
        let rest = path.strip_prefix(servers::PATH).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.and_then(|rest| rest.strip_prefix(self.0.name.as_str()));
        rest.is_some_and(|rest| matches!(rest, "" | "/drain" | "/resume"))
    }

    fn may(&self, path: &str) -> bool {
        match self.0.role {
            Role::Admin | Role::Operator => true,
            Role::Balancer => OF_BALANCERS.contains(&path),
            Role::Server => path == joining::VISIT || self.is_own(path),
        }
    }
}

/// The token as its hash: comparing tells neither length nor beginning.
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self::of(token.as_bytes())
    }

    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Digits that tell texts apart, and from which nobody without the token finds out anything: what was
    /// hashed may hold a password.
    pub(crate) fn keyed_hash(&self, parts: &[&[u8]]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            // So that no byte can change sides.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some(given) = bearer(headers) else { return false };
        let given: [u8; 32] = Sha256::digest(given).into();
        given.ct_eq(&self.0).into()
    }
}

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().cloned();
    let admitted = match &peer {
        Some(peer) => is_let_in(Arc::clone(&app), peer, request.uri().path().to_owned()).await,
        None => app.has_token(request.headers()),
    };
    let Err(problem) = admitted else { return next.run(request).await };
    let (parts, rest) = request.into_parts();
    body::discard(&parts.headers, rest).await;
    problem.into_response()
}

/// A certificate says who it is; the token of a member that may not do something does not make it another one.
async fn is_let_in(app: Arc<App>, peer: &Peer, path: String) -> Result<(), Problem> {
    let (identity, registrars) = (peer.0.clone(), Arc::clone(&app));
    // It may have been forgotten since the certificate was made.
    if !app.read(move |odb| Ok(registrars.registrar(odb).knows(&identity)?)).await? {
        let text = format!("{} is no member of this cluster any more, or not by this certificate", peer.0);
        return Err(Problem::new(Kind::Forbidden, text).with_code("no-member"));
    }
    if peer.may(&path) {
        return Ok(());
    }
    let text = format!("this is not for members of the role {}", peer.0.role);
    Err(Problem::new(Kind::Forbidden, text).with_code("role-not-allowed"))
}

impl App {
    fn has_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.certificates_required {
            let text =
                "a certificate of the cluster is needed here: `busbar join` gets one for who has a token";
            return Err(refused(text).with_code("certificate-required"));
        }
        if self.token.is_in(headers) { Ok(()) } else { Err(refused("the admin token is missing or wrong")) }
    }
}

fn refused(text: &'static str) -> Problem {
    Problem::new(Kind::Unauthenticated, text)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"busbar-admin\""))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, token) = value.split_at(at);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Token;

    #[test]
    fn a_keyed_hash_depends_on_the_token_and_on_each_part() {
        let hash = |token, parts: &[&[u8]]| Token::new(token).keyed_hash(parts);
        let one = hash("hush", &[b"ab", b"c"]);
        assert_eq!((one.len(), &one), (64, &hash("hush", &[b"ab", b"c"])));
        for other in [hash("mum", &[b"ab", b"c"]), hash("hush", &[b"a", b"bc"]), hash("hush", &[b"ab"])] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn only_the_whole_token_lets_in() {
        let token = Token::new("hush");
        let given = |value| {
            token.is_in(&HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]))
        };
        assert!(given("Bearer hush") && given("bearer hush"));
        for bad in ["", "Bearer", "Bearer ", "Bearer hus", "Bearer hush2", "Basic hush", "hush"] {
            assert!(!given(bad), "{bad:?}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
    }
}

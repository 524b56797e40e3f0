//! What a connection shows of itself, made ready for its requests.

use busbar_model::connection::http::origin::Base;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    Auth, Invalid, Secrets,
    token::{
        TokenCache,
        grant::{Client, Endpoint, basic, bearer},
    },
};

pub(crate) enum Credentials {
    None,
    Fixed { name: HeaderName, value: HeaderValue },
    Token { cache: TokenCache, endpoint: Box<Endpoint> },
}

impl Credentials {
    pub(crate) fn new(auth: &Auth, secrets: &Secrets) -> Result<Self, Invalid> {
        let missing = || Invalid::new("credential", "missing", "what auth asks for is needed");
        let secret = || secrets.credential.as_ref().ok_or_else(missing);
        let unfit = |allowed| Invalid::new("credential", "unusable", allowed);
        let fixed = |name, value| Ok(Self::Fixed { name, value });
        match auth {
            Auth::None {} => Ok(Self::None),
            Auth::Basic { username } => fixed(header::AUTHORIZATION, basic(username, secret()?.reveal())),
            Auth::Bearer {} => {
                let value = bearer(secret()?.reveal());
                fixed(
                    header::AUTHORIZATION,
                    value.ok_or_else(|| unfit("visible ASCII without spaces is needed"))?,
                )
            }
            Auth::ApiKey { header } => {
                let name =
                    header.parse().map_err(|_| Invalid::new("auth.header", header, "a header's name"))?;
                let value = HeaderValue::from_str(secret()?.reveal());
                let mut value = value.map_err(|_| unfit("a text without control characters is needed"))?;
                value.set_sensitive(true);
                fixed(name, value)
            }
            Auth::ClientCredentials { token_url, client_id, scope, audience, in_body } => {
                let client = Client {
                    id: client_id,
                    secret: secret()?,
                    scope: scope.as_deref(),
                    audience: audience.as_deref(),
                    in_body: *in_body,
                };
                let endpoint = Box::new(Endpoint::new(Base::parse("auth.token_url", token_url)?, &client));
                Ok(Self::Token { cache: TokenCache::new(), endpoint })
            }
        }
    }

    /// The header that holds them.
    pub(crate) fn name(&self) -> Option<&HeaderName> {
        match self {
            Self::None => None,
            Self::Fixed { name, .. } => Some(name),
            Self::Token { .. } => Some(&header::AUTHORIZATION),
        }
    }

    /// What does not change from call to call.
    pub(crate) fn write_fixed(&self, headers: &mut HeaderMap) {
        if let Self::Fixed { name, value } = self {
            headers.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn refused(auth: &Auth, credential: Option<&str>) -> String {
        let secrets = Secrets { credential: credential.map(Secret::new), client_key_pem: None };
        Credentials::new(auth, &secrets).err().unwrap().to_string()
    }

    #[test]
    fn a_secret_that_does_not_fit_is_refused_without_showing_it() {
        let key = Auth::ApiKey { header: "x-api-key".to_owned() };
        assert_eq!(refused(&Auth::Bearer {}, None), "credential is missing: what auth asks for is needed");
        for (auth, text) in
            [(&Auth::Bearer {}, "hunter2\r\nx: y"), (&Auth::Bearer {}, ""), (&key, "hunter2\n")]
        {
            let refused = refused(auth, Some(text));
            assert!(
                refused.starts_with("credential is unusable") && !refused.contains("hunter2"),
                "{refused}"
            );
        }
    }
}

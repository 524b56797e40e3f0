//! What a connection shows of itself, and which secrets that asks for.

use busbar_model::connection::http::origin::Origin;
use serde_json::{Map, Value, json};

use crate::client::{failure::Usage, password};

#[derive(Debug, clap::Args)]
pub(super) struct Auth {
    /// How calls say who they are: none, basic (as it is with --username), api-key, bearer or client-credentials.
    #[arg(long, value_name = "KIND")]
    pub(super) auth: Option<String>,
    /// The header of an api-key.
    #[arg(long, value_name = "NAME")]
    header: Option<String>,
    /// Where client-credentials get their token.
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// Whom that knows the bus as.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// What the token is to be good for.
    #[arg(long)]
    scope: Option<String>,
    /// Whom it is to be good for.
    #[arg(long)]
    audience: Option<String>,
}

impl Auth {
    pub(super) fn is_empty(&self) -> bool {
        let texts = [&self.auth, &self.header, &self.token_url, &self.client_id, &self.scope, &self.audience];
        texts.into_iter().all(Option::is_none)
    }

    /// The member `auth`; what is not given of it is as in `present`.
    pub(super) fn value(&self, username: Option<String>, present: Option<&Value>) -> Option<Value> {
        let own = [
            ("username", &username),
            ("header", &self.header),
            ("token_url", &self.token_url),
            ("client_id", &self.client_id),
            ("scope", &self.scope),
            ("audience", &self.audience),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
        let own: Map<String, Value> = own.collect();
        if own.is_empty() && self.auth.is_none() {
            return None;
        }
        let present = present.and_then(|present| present["auth"].as_object());
        let present = present.filter(|auth| self.auth.as_deref().is_none_or(|kind| auth["kind"] == kind));
        let present = present.filter(|auth| self.auth.is_some() || auth["kind"] != "none");
        let mut auth = present.cloned().unwrap_or_default();
        if !auth.contains_key("kind") {
            let kind = self.auth.as_deref().unwrap_or_else(|| implied(&own));
            auth.insert("kind".to_owned(), kind.into());
        }
        auth.extend(own);
        Some(Value::Object(auth))
    }
}

/// The kind of auth that has these members.
fn implied(members: &Map<String, Value>) -> &'static str {
    if members.contains_key("username") {
        "basic"
    } else if members.contains_key("header") {
        "api-key"
    } else {
        "client-credentials"
    }
}

fn has_password(present: &Value, auth: &Value) -> bool {
    match present["kind"].as_str() {
        Some("http" | "soap") => auth["kind"] != "none",
        Some("sql") => present["engine"] != "sqlite",
        _ => true,
    }
}

/// Whether secrets would get to another system, or go in the clear. An address that is left to a WSDL may be any.
fn leads_elsewhere(present: &Value, body: &Map<String, Value>) -> bool {
    let changed = |name: &str| body.get(name).is_some_and(|value| *value != present[name]);
    let origin = |url: &Value| url.as_str().and_then(Origin::parse);
    let moved = body.get("base_url").is_some_and(|url| origin(url) != origin(&present["base_url"]));
    let token = body.get("auth").is_some_and(|auth| {
        let urls = [&auth["token_url"], &present["auth"]["token_url"]];
        urls.iter().all(|url| url.is_string()) && urls[0] != urls[1]
    });
    // Over HTTP it is the address that tells whether there is TLS.
    let clear = present["base_url"].is_null() && changed("tls") && body["tls"].is_null();
    moved || token || clear || changed("host") || changed("port") && present["base_url"].is_null()
}

/// Which secrets are to be given.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    password: bool,
    token: bool,
}

impl Secrets {
    pub(super) fn of_new(kind: &str, body: &Map<String, Value>) -> Self {
        let asks = |name: &str| body.get(name).is_some_and(|auth| auth["kind"] != "none");
        let password = match kind {
            "http" | "soap" => asks("auth"),
            "sql" => body.get("engine").is_none_or(|engine| engine != "sqlite"),
            _ => true,
        };
        Self { password, token: body.get("username_token").is_some_and(|token| !token.is_null()) }
    }

    /// What is not there yet, or for another kind of auth; and all that there is where the connection comes to lead
    /// elsewhere, as the bus shows it to nobody else unless it is given again.
    pub(super) fn of_change(present: &Value, body: &Map<String, Value>) -> Self {
        let other = |auth: &&Value| auth["kind"] != "none" && auth["kind"] != present["auth"]["kind"];
        let anew = present["auth"].is_object() && body.get("auth").is_some_and(|auth| other(&auth));
        let elsewhere = leads_elsewhere(present, body);
        let after = |name: &str| body.get(name).unwrap_or(&present[name]);
        let has_token = !after("username_token").is_null();
        Self {
            password: anew || elsewhere && has_password(present, after("auth")),
            token: has_token && (elsewhere || present["username_token"].is_null()),
        }
    }

    pub(super) fn read(
        &self,
        source: &password::Source,
        body: &mut Map<String, Value>,
    ) -> anyhow::Result<()> {
        let mut put = |name: &str, secret: String| body.insert(name.to_owned(), secret.into());
        match (self.password, self.token) {
            (false, false) if source.is_given() => {
                return Err(Usage::error("--password-stdin is given, and there is no password to it"));
            }
            (false, false) => {}
            (true, false) => drop(put("password", source.read()?)),
            (false, true) => drop(put("token_password", source.read_as("token's password")?)),
            (true, true) => {
                let (password, token) = source.read_both("token's password")?;
                put("password", password);
                put("token_password", token);
            }
        }
        Ok(())
    }
}

//! `busbar security`: credentials that channels ask for.

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::delete,
    lookup::Kind,
    password,
    table::{Fields, Table},
};

pub(crate) const KIND: Kind = Kind { path: "/api/v1/security", noun: "security definition" };

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists security definitions.
    #[command(after_help = "Example:\n  busbar security list")]
    List,
    /// Shows a security definition; secrets are never shown.
    #[command(after_help = "Example:\n  busbar security show partner")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a definition of HTTP basic; asks for the password.
    #[command(
        after_help = "Examples:\n  busbar security create-basic partner --username ada\n  busbar security create-basic partner --username ada --password-stdin < password.txt"
    )]
    CreateBasic {
        /// What it is called.
        name: String,
        /// Who the caller says to be.
        #[arg(long, value_name = "NAME")]
        username: String,
        #[command(flatten)]
        password: password::Source,
    },
    /// Makes a definition of WS-Security (UsernameToken) for SOAP channels; asks for the password.
    #[command(
        after_help = "Examples:\n  busbar security create-ws-security erp --username erp\n  busbar security create-ws-security erp --username erp --password-type any --password-stdin < password.txt"
    )]
    CreateWsSecurity {
        /// What it is called.
        name: String,
        /// Who the caller says to be.
        #[arg(long, value_name = "NAME")]
        username: String,
        /// In which form callers send the password; digest by default.
        #[arg(long, value_parser = ["digest", "text", "any"])]
        password_type: Option<String>,
        #[command(flatten)]
        password: password::Source,
    },
    /// Makes a definition of certificates that clients show to the load balancer; any of them lets in.
    #[command(
        after_help = "Examples:\n  busbar security create-certificate fleet --subject /O=shop/CN=ada --subject /O=shop/CN=bob\n  busbar security create-certificate van --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    CreateCertificate {
        /// What it is called.
        name: String,
        #[command(flatten)]
        certificates: Certificates,
    },
    /// Makes an API key and shows it, this once.
    #[command(
        after_help = "Examples:\n  busbar security create-key shop\n  busbar security create-key shop > shop.key"
    )]
    CreateKey {
        /// What it is called.
        name: String,
    },
    /// Gives a definition of HTTP basic or WS-Security another password; asks for it.
    #[command(
        after_help = "Examples:\n  busbar security set-password partner\n  busbar security set-password partner --password-stdin < password.txt"
    )]
    SetPassword {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        #[command(flatten)]
        password: password::Source,
    },
    /// Says anew whose certificates let in: what is not named any more does not.
    #[command(
        after_help = "Examples:\n  busbar security set-certificates fleet --subject /O=shop/CN=ada\n  busbar security set-certificates fleet --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    SetCertificates {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        #[command(flatten)]
        certificates: Certificates,
    },
    /// Makes a new API key in place of the old one and shows it, this once.
    #[command(after_help = "Example:\n  busbar security rotate shop")]
    Rotate {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Removes a security definition that no channel asks for.
    #[command(after_help = "Example:\n  busbar security delete partner")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, clap::Args)]
#[group(id = "certificates", required = true, multiple = true)]
pub(crate) struct Certificates {
    /// The subject of a certificate as HAProxy writes it, such as /O=shop/CN=ada; may be given more than once.
    #[arg(long = "subject", value_name = "NAME")]
    subjects: Vec<String>,
    /// The SHA-256 of a certificate in hexadecimal digits; may be given more than once.
    #[arg(long = "sha256", value_name = "HEX")]
    sha256: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    name: String,
    kind: String,
    username: Option<String>,
    password_type: Option<String>,
    /// The part of an API key before the dot; public.
    key_id: Option<String>,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    sha256: Vec<String>,
    /// In the answer to what made it only.
    key: Option<String>,
}

impl View {
    /// What tells who is let in; of certificates the first and how many more there are.
    fn subject(&self) -> String {
        let mut certificates = self.subjects.iter().chain(&self.sha256);
        let first = self.username.as_ref().or(self.key_id.as_ref()).or_else(|| certificates.next());
        match (first, certificates.count()) {
            (Some(first), more) if more > 0 && self.username.is_none() => format!("{first} and {more} more"),
            (first, _) => first.cloned().unwrap_or_default(),
        }
    }

    fn fields(&self) -> Fields {
        let fields = Fields::default().with("id", &self.id).with("name", &self.name).with("kind", &self.kind);
        match (&self.username, &self.key_id) {
            (Some(username), _) => match &self.password_type {
                Some(password_type) => fields.with("username", username).with("password_type", password_type),
                None => fields.with("username", username),
            },
            (None, Some(key_id)) => fields.with("key_id", key_id),
            (None, None) => {
                let fields =
                    self.subjects.iter().fold(fields, |fields, subject| fields.with("subject", subject));
                self.sha256.iter().fold(fields, |fields, sha256| fields.with("sha256", sha256))
            }
        }
    }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list security definitions"),
        Command::Show { key } => {
            let found = KIND.find(&api, &key).await;
            show(session, &found.with_context(|| format!("failed to show security definition {key}"))?)
        }
        Command::CreateBasic { name, username, password } => {
            let password = password.read()?;
            let body = json!({"name": name, "kind": "basic", "username": username, "password": password});
            show(session, &create(&api, &body).await?)
        }
        Command::CreateWsSecurity { name, username, password_type, password } => {
            let password = password.read()?;
            let mut body =
                json!({"name": name, "kind": "ws-security", "username": username, "password": password});
            if let Some(password_type) = password_type {
                body["password_type"] = password_type.into();
            }
            show(session, &create(&api, &body).await?)
        }
        Command::CreateCertificate { name, certificates: Certificates { subjects, sha256 } } => {
            let kind = "client-certificate";
            let body = json!({"name": name, "kind": kind, "subjects": subjects, "sha256": sha256});
            show(session, &create(&api, &body).await?)
        }
        Command::SetCertificates { key, certificates: Certificates { subjects, sha256 } } => {
            let changed = update(&api, &key, &json!({"subjects": subjects, "sha256": sha256})).await;
            show(session, &changed.with_context(|| format!("failed to set the certificates of {key}"))?)
        }
        Command::CreateKey { name } => {
            let made = create(&api, &json!({"name": name, "kind": "api-key"})).await?;
            reveal(session, &made)
        }
        Command::SetPassword { key, password } => {
            let body = json!({"password": password.read()?});
            let changed = update(&api, &key, &body).await;
            show(session, &changed.with_context(|| format!("failed to set the password of {key}"))?)
        }
        Command::Rotate { key } => {
            let changed = update(&api, &key, &json!({"rotate": true})).await;
            reveal(session, &changed.with_context(|| format!("failed to rotate the key of {key}"))?)
        }
        Command::Delete { key } => {
            let gone = delete(&api, &KIND, &key).await;
            gone.with_context(|| format!("failed to delete security definition {key}"))?;
            Ok(session.output.note(&format!("security definition {key} is deleted"))?)
        }
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "KIND", "USERNAME, KEY ID OR CERTIFICATE", "ID"]);
    for security in views::<View>(&items)? {
        let subject = security.subject();
        table.row([security.name, security.kind, subject, security.id]);
    }
    Ok(session.output.table(&table)?)
}

async fn create(api: &Api, body: &Value) -> anyhow::Result<Value> {
    let answer = api.ask(Question::new(Method::POST, KIND.path).json(body)).await;
    answer.and_then(|answer| answer.json()).context("failed to make the security definition")
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    Ok(session.output.fields(&view::<View>(value)?.fields())?)
}

/// The key alone to standard output, so that a script can keep it.
fn reveal(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    let security: View = view(value)?;
    if session.output.json() {
        session.output.value(value)?;
    } else {
        let key = security.key.as_deref().context("the answer has no key")?;
        session.output.text(key)?;
    }
    let name = &security.name;
    Ok(session.output.note(&format!(
        "This is the key of {name}, shown this once: keep it. Callers send it as X-API-Key."
    ))?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Command, run};
    use crate::client::fake::{Asked, Fake};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn obey(fake: &Fake, line: &str) -> (String, String) {
        let (mut session, out, err) = fake.session(false);
        let words = std::iter::once("security").chain(line.split_whitespace());
        run(&mut session, Line::try_parse_from(words).unwrap().command).await.unwrap();
        (out.text(), err.text())
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        let known = json!({"id": "s1", "name": "shop", "kind": "api-key", "key_id": "kid"});
        let mut made = known.clone();
        made["key"] = "kid.secret".into();
        match asked.line().as_str() {
            "POST /api/v1/security" => (201, made),
            "PATCH /api/v1/security/s1" => (200, made),
            "DELETE /api/v1/security/s1" => (204, Value::Null),
            _ => (200, json!({"items": [known], "next": null})),
        }
    }

    #[tokio::test]
    async fn a_key_is_shown_alone_and_once() {
        let fake = Fake::start(bus).await;
        for (line, sent) in [
            ("create-key shop", json!({"name": "shop", "kind": "api-key"})),
            ("rotate shop", json!({"rotate": true})),
        ] {
            let (out, err) = obey(&fake, line).await;
            assert_eq!(out, "kid.secret\n", "{line}");
            assert!(err.contains("shown this once"), "{err}");
            assert_eq!(fake.changes().last().unwrap().json(), sent);
        }
    }

    #[tokio::test]
    async fn certificates_are_named_one_by_one() {
        let fleet = json!({"id": "s2", "name": "fleet", "kind": "client-certificate",
            "subjects": ["/CN=a, b", "/CN=c"], "sha256": ["0a"]});
        let fake = Fake::start(move |asked| match asked.method.as_str() {
            "GET" => (200, json!({"items": [fleet], "next": null})),
            _ => (201, fleet.clone()),
        })
        .await;
        let given = "--subject /CN=a,b --subject /CN=c --sha256 0A";
        let (out, _) = obey(&fake, &format!("create-certificate fleet {given}")).await;
        assert!(out.ends_with("subject\t/CN=a, b\nsubject\t/CN=c\nsha256\t0a\n"), "{out}");
        let lists = json!({"subjects": ["/CN=a,b", "/CN=c"], "sha256": ["0A"]});
        let mut body = lists.clone();
        body["name"] = "fleet".into();
        body["kind"] = "client-certificate".into();
        assert_eq!(fake.changes().last().unwrap().json(), body);
        obey(&fake, &format!("set-certificates fleet {given}")).await;
        assert_eq!(fake.changes().last().unwrap().json(), lists);
        let (list, _) = obey(&fake, "list").await;
        assert!(list.ends_with("fleet\tclient-certificate\t/CN=a, b and 2 more\ts2\n"), "{list}");
    }

    #[tokio::test]
    async fn lists_shows_and_deletes() {
        let fake = Fake::start(bus).await;
        assert!(obey(&fake, "list").await.0.ends_with("\nshop\tapi-key\tkid\ts1\n"));
        assert_eq!(obey(&fake, "show shop").await.0, "id\ts1\nname\tshop\nkind\tapi-key\nkey_id\tkid\n");
        assert_eq!(obey(&fake, "delete shop").await.1, "security definition shop is deleted\n");
        assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/security/s1");
    }
}

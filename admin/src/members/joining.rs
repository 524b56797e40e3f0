//! How a machine becomes a member, and stays one: what it asks before it has a certificate, and with it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_pki::{Confirmed, Csr, Fingerprint, Host, Role, Secret};
use busbar_registrar::{Admission, Granted, Visit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::unfit;
use crate::{
    app::App,
    auth::Peer,
    body::Input,
    caller::Caller,
    describe,
    member::{Hidden, Object},
    openapi::Conflict,
    problem::{Kind, Problem},
    settings::Handed,
};

pub(crate) const JOIN: &str = "/api/v1/cluster/join";
pub(crate) const VISIT: &str = "/api/v1/cluster/membership";

/// What a machine shows that has a token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Joining)]
pub(crate) struct Asks {
    /// The token's id.
    id: String,
    /// The token's secret.
    #[schema(value_type = String)]
    secret: Hidden,
    /// What the machine is called in the cluster.
    #[schema(schema_with = describe::member_name)]
    name: String,
    /// Host names and addresses by which it is reached.
    hosts: Vec<String>,
    /// For a certificate, with the machine's key: PKCS #10 (RFC 2986) in PEM.
    request: String,
}

/// What a member has.
#[derive(Serialize, ToSchema)]
#[schema(as = Joined)]
pub(crate) struct Joined {
    cluster: String,
    /// server, balancer, admin or operator.
    role: &'static str,
    name: String,
    /// Its certificate, PEM.
    certificate: String,
    /// Whom it is to trust: certificates in PEM, one or, during a roll, two.
    trust: String,
    /// Where admin processes are.
    urls: Vec<String>,
    /// What servers and admin processes need too; null for others.
    #[schema(required)]
    settings: Option<HandedView>,
}

/// What servers and admin processes of a cluster have in common.
#[derive(Serialize, ToSchema)]
#[schema(as = SharedSettings)]
pub(crate) struct HandedView {
    odb_url: String,
    #[schema(required)]
    amqp_url: Option<String>,
    /// In base64.
    master_key: String,
}

impl HandedView {
    fn of(handed: &Handed) -> Self {
        Self {
            odb_url: handed.odb_url.clone(),
            amqp_url: handed.amqp_url.clone(),
            master_key: STANDARD.encode(handed.master_key.as_slice()),
        }
    }
}

/// Join the cluster with a token. Asked again with the same key, it is answered again.
#[utoipa::path(post, path = "/api/v1/cluster/join", tag = "members", security(()), request_body = Asks,
    responses((status = 201, description = "The machine is a member.", body = Joined), Conflict))]
pub(crate) async fn join(
    State(app): State<Arc<App>>,
    Caller(mut by): Caller,
    Input(asks): Input<Asks>,
) -> Result<Response, Problem> {
    let name: busbar_pki::Name = asks.name.parse().map_err(unfit("/name"))?;
    by.actor = format!("join token {}", asks.id.chars().take(64).collect::<String>());
    app.write({
        let app = Arc::clone(&app);
        move |odb| {
            let registrar = app.registrar(odb);
            let standing = registrar.standing()?.ok_or(busbar_registrar::Error::NotFounded)?;
            let secret = Secret::parse(asks.secret.0.reveal());
            let secret = secret.map_err(|_| busbar_registrar::Error::NoToken)?;
            registrar.offered(by.now, &asks.id, &secret)?;
            let (hosts, request) = (hosts(&asks.hosts)?, request(&asks.request)?);
            let admission = Admission { id: asks.id, secret, name, hosts, request };
            let (role, granted) = registrar.admit(&by, &admission)?;
            let handed = matches!(role, Role::Server | Role::Admin).then(|| HandedView::of(&app.handed));
            let joined = Joined {
                cluster: standing.cluster().to_string(),
                role: role.as_str(),
                name: admission.name.to_string(),
                certificate: granted.certificate.map(|it| it.to_pem()).unwrap_or_default(),
                trust: granted.trust.to_pem(),
                urls: app.urls.clone(),
                settings: handed,
            };
            Ok((StatusCode::CREATED, Json(joined)).into_response())
        }
    })
    .await
}

/// What a member says when it asks whether there is something new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Visit)]
pub(crate) struct Said {
    /// What all its processes use by now.
    #[serde(default)]
    #[schema(value_type = Option<ConfirmedTrust>)]
    confirmed: Option<Object<ConfirmedTrust>>,
    /// For a new certificate: PKCS #10 in PEM.
    #[serde(default)]
    request: Option<String>,
    /// Host names and addresses by which it is reached.
    #[serde(default)]
    hosts: Vec<String>,
}

/// Whom a member trusts, and who signed what it shows: SHA-256 of authorities' certificates.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmedTrust {
    trusts: Vec<String>,
    issuer: String,
}

/// What a member is to have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Membership)]
pub(crate) struct GrantedView {
    /// Certificates in PEM: one or, during a roll, two.
    trust: String,
    /// The authority that is to have signed what it shows.
    issuer: String,
    /// The new certificate, PEM, where it asked for one.
    #[schema(required)]
    certificate: Option<String>,
}

impl From<Granted> for GrantedView {
    fn from(granted: Granted) -> Self {
        Self {
            trust: granted.trust.to_pem(),
            issuer: granted.issuer.to_string(),
            certificate: granted.certificate.map(|certificate| certificate.to_pem()),
        }
    }
}

/// Ask what is new for a member, which is known by the certificate that it shows, and renew that.
#[utoipa::path(post, path = "/api/v1/cluster/membership", tag = "members", request_body = Said,
    responses((status = 200, description = "What it is to have.", body = GrantedView), Conflict))]
pub(crate) async fn visit(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    peer: Option<Extension<Peer>>,
    Input(said): Input<Said>,
) -> Result<Json<GrantedView>, Problem> {
    let Some(Extension(Peer(identity))) = peer else {
        let text = "a member is known by its certificate, and there is none on this connection";
        return Err(Problem::new(Kind::Forbidden, text).with_code("no-certificate"));
    };
    let visit = Visit {
        confirmed: said.confirmed.map(|Object(said)| confirmed(&said)).transpose()?,
        request: said.request.as_deref().map(request).transpose()?,
        hosts: hosts(&said.hosts)?,
    };
    app.read({
        let app = Arc::clone(&app);
        move |odb| Ok(Json(app.registrar(odb).visit(by.now, &identity, &visit)?.into()))
    })
    .await
}

fn confirmed(said: &ConfirmedTrust) -> Result<Confirmed, Problem> {
    let refused = |error: busbar_pki::Error| conflict("/confirmed", &error);
    let parsed = |text: &String| text.parse::<Fingerprint>().map_err(refused);
    Ok(Confirmed {
        trusts: said.trusts.iter().map(parsed).collect::<Result<_, _>>()?,
        issuer: parsed(&said.issuer)?,
    })
}

fn hosts(texts: &[String]) -> Result<Vec<Host>, Problem> {
    texts.iter().map(|text| text.parse().map_err(|error| conflict("/hosts", &error))).collect()
}

fn request(text: &str) -> Result<Csr, Problem> {
    Csr::from_pem(text).map_err(|error| conflict("/request", &error))
}

/// What no schema can say exactly.
fn conflict(path: &str, error: &busbar_pki::Error) -> Problem {
    let error = busbar_model::fault::FieldError { path: path.to_owned(), message: error.to_string() };
    Problem::conflict("unfit", vec![error])
}

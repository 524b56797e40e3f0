//! Who signs for the members of the cluster, and the roll to the next one: `/api/v1/cluster/authority`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use busbar_pki::Roll;
use busbar_registrar::{Error, Registrar, Rolling};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, caller::Caller, openapi::Conflict, problem::Problem};

/// The authority of the cluster, and how a roll to the next one stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Authority)]
pub(crate) struct View {
    /// As it stands in certificates.
    cluster: String,
    /// settled, introducing, reissuing or retiring.
    step: &'static str,
    /// Whom members are to trust.
    trusted: Vec<Trusted>,
    /// SHA-256 of the certificate of who signs now.
    issuer: String,
    /// What the next step waits for; null where there is none, or it is taken within seconds.
    #[schema(required)]
    waits_for: Option<Waits>,
}

/// An authority.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrustedAuthority)]
pub(crate) struct Trusted {
    /// From 1.
    number: u32,
    /// SHA-256 of its certificate.
    fingerprint: String,
    /// PEM.
    certificate: String,
}

/// Members that have not confirmed a step of the roll.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RollWaits)]
pub(crate) struct Waits {
    /// What they have not confirmed, in words.
    missing: String,
    /// Role and name of each.
    members: Vec<String>,
}

/// The authority.
#[utoipa::path(get, path = "/api/v1/cluster/authority", tag = "authority",
    responses((status = 200, description = "The authority.", body = View), Conflict))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Json<View>, Problem> {
    app.read({
        let app = Arc::clone(&app);
        move |odb| view(&app.registrar(odb)).map(Json)
    })
    .await
}

/// Begin to change to a new authority. It goes on by itself, each step when all members have confirmed the one before.
#[utoipa::path(post, path = "/api/v1/cluster/authority/roll", tag = "authority",
    responses((status = 200, description = "The roll has begun.", body = View), Conflict))]
pub(crate) async fn roll(State(app): State<Arc<App>>, Caller(by): Caller) -> Result<Response, Problem> {
    change(app, move |registrar| registrar.begin_roll(&by)).await
}

/// Go back to the authority before, as long as all members still trust it.
#[utoipa::path(post, path = "/api/v1/cluster/authority/turn-back", tag = "authority",
    responses((status = 200, description = "The roll goes back.", body = View), Conflict))]
pub(crate) async fn turn_back(State(app): State<Arc<App>>, Caller(by): Caller) -> Result<Response, Problem> {
    change(app, move |registrar| registrar.turn_back(&by)).await
}

async fn change(
    app: Arc<App>,
    step: impl FnOnce(&Registrar) -> Result<Rolling, Error> + Send + 'static,
) -> Result<Response, Problem> {
    let registrar_of = Arc::clone(&app);
    app.answer(move |odb| {
        let registrar = registrar_of.registrar(odb);
        step(&registrar)?;
        Ok(Json(view(&registrar)?).into_response())
    })
    .await
}

fn view(registrar: &Registrar) -> Result<View, Problem> {
    let standing = registrar.standing()?.ok_or(Error::NotFounded)?;
    let Rolling { roll, late } = registrar.rolling()?;
    let trusted = standing.trust.anchors().iter().map(|anchor| Trusted {
        number: anchor.number(),
        fingerprint: anchor.fingerprint().to_string(),
        certificate: anchor.certificate().to_pem(),
    });
    Ok(View {
        cluster: standing.cluster().to_string(),
        step: match roll {
            Roll::Settled { .. } => "settled",
            Roll::Introducing { .. } => "introducing",
            Roll::Reissuing { .. } => "reissuing",
            Roll::Retiring { .. } => "retiring",
        },
        trusted: trusted.collect(),
        issuer: roll.issuer().to_string(),
        waits_for: late.map(|late| Waits { missing: late.missing, members: late.members }),
    })
}

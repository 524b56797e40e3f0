//! A WSDL that is given by its URL: fetched before the connection is made or changed.

use std::sync::Arc;

use busbar_model::{
    Connection,
    connection::{
        Client, Http, Part, Soap,
        http::origin::Origin,
        soap::{Document, Documents},
    },
    fault::FieldError,
};
use busbar_store::{Error, Plaintext, connections::Draft};

use super::given::{Body, Edit};
use crate::{app::App, problem::Problem, settings::FetchWsdl};

/// A new connection, its WSDL at hand.
pub(super) async fn new(app: &Arc<App>, given: Body) -> Result<Draft, Problem> {
    let Some(url) = given.wsdl_url()? else { return given.into_draft() };
    let draft = given.with_wsdl(&unfetched(&url)).into_draft()?;
    let Client::Soap(soap) = draft.client else { return given.into_draft() };
    let documents = fetch(app, url, soap.http.settings.clone(), |part| soap_secret(&soap, part)).await?;
    given.with_wsdl(&documents).into_draft()
}

/// A change, its WSDL at hand.
pub(super) async fn change(app: &Arc<App>, id: &str, given: Body) -> Result<Edit, Problem> {
    let Some(url) = given.wsdl_url()? else { return given.into_edit() };
    let wanted = id.to_owned();
    let present = app.read(move |odb| Ok(odb.find_connection(&wanted)?)).await?;
    if !matches!(present.client, Client::Soap(_)) {
        // Refused by the kind.
        return given.with_wsdl(&unfetched(&url)).into_edit();
    }
    let (name, client) = (present.name.clone(), present.client.clone().map(|_, _| None));
    let draft = Draft { name, active: present.active, client };
    let draft = given.with_wsdl(&unfetched(&url)).into_edit()?.apply(draft)?;
    let Client::Soap(soap) = draft.client else { return given.into_edit() };
    let opened = open(app, &present)?;
    refuse_showing(&present, &soap, &url)?;
    let secret = |part| soap_secret(&soap, part).or_else(|| opened.secret(part).cloned());
    let documents = fetch(app, url, soap.http.settings.clone(), secret).await?;
    given.with_wsdl(&documents).into_edit()
}

/// Fetching shows the secrets, so it is too late to refuse that when the connection is changed.
fn refuse_showing(present: &Connection, soap: &Soap<Option<Plaintext>>, url: &str) -> Result<(), Problem> {
    let mut after = soap.clone();
    if after.http.settings.base_url.is_empty() {
        let origin = Origin::parse(url).map(|origin| origin.url());
        after.http.settings.base_url = origin.unwrap_or_default();
    }
    if present.client.leads_as(&Client::Soap(after)) {
        return Ok(());
    }
    let kept = [(Part::Password, &soap.http.credential), (Part::ClientKey, &soap.http.client_key)];
    match kept.into_iter().find(|(_, secret)| matches!(secret, Some(None))) {
        Some((part, _)) => {
            let (name, what) = (present.name.clone(), part.as_str());
            Err(Problem::from(Error::SecretRequired { name, what }))
        }
        None => Ok(()),
    }
}

/// Stands for documents that are not here yet.
fn unfetched(url: &str) -> Documents {
    Documents { documents: vec![Document { location: url.to_owned(), text: String::new() }] }
}

fn open(app: &App, connection: &Connection) -> Result<Client<Plaintext>, Problem> {
    let opened = app.master_key.open_connection(connection);
    opened.map_err(|error| Problem::from(Error::from(error)))
}

fn soap_secret(soap: &Soap<Option<Plaintext>>, part: Part) -> Option<Plaintext> {
    match part {
        Part::Password => soap.http.credential.clone().flatten(),
        Part::ClientKey => soap.http.client_key.clone().flatten(),
        Part::TokenPassword => None,
    }
}

async fn fetch(
    app: &App,
    url: String,
    settings: busbar_model::connection::http::Settings,
    secret: impl Fn(Part) -> Option<Plaintext>,
) -> Result<Documents, Problem> {
    let http = Http::new(settings, |part| secret(part).unwrap_or_else(|| String::new().into()));
    // It is never closed.
    let _turn = app.pings.acquire().await;
    (app.wsdl)(FetchWsdl { url, http }).await.map_err(|message| {
        let error = FieldError { path: "/wsdl/url".to_owned(), message };
        Problem::conflict("wsdl-not-fetched", vec![error])
    })
}

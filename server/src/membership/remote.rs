//! For who has no ODB: an admin process is asked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use busbar_lb_agent::{Request, Response};
use busbar_pki::{Certificate, Identity, Trust};
use busbar_registrar::{Granted, Visit};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use crate::client::{Api, Question};

const MEMBERSHIP: &str = "/api/v1/cluster/membership";
/// One that does not answer is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The admin API as a registrar.
pub(crate) struct Remote {
    api: Arc<Api>,
    /// Of the agent whose HAProxy uses the files.
    balancer: Option<PathBuf>,
}

impl Remote {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self { api, balancer: None }
    }

    /// For the agent of this folder.
    pub(crate) fn of_balancer(api: Arc<Api>, folder: PathBuf) -> Self {
        Self { api, balancer: Some(folder) }
    }
}

/// What a member is to have.
#[derive(Deserialize)]
struct Given {
    trust: String,
    issuer: String,
    certificate: Option<String>,
}

impl Desk for Remote {
    /// HAProxy reads files when it is loaded, which may have failed, or may not be wanted.
    async fn is_used(&self) -> bool {
        let Some(folder) = &self.balancer else { return true };
        match busbar_lb_agent::ask(folder, Request::Status).await {
            Ok(Response::Status { report }) => report.files_read,
            _ => false,
        }
    }

    async fn visit(&mut self, _: &Identity, visit: Visit) -> anyhow::Result<Granted> {
        let confirmed = visit.confirmed.map(|said| {
            let trusts: Vec<String> = said.trusts.iter().map(ToString::to_string).collect();
            json!({"trusts": trusts, "issuer": said.issuer.to_string()})
        });
        let mut said = json!({});
        if let Some(confirmed) = confirmed {
            said["confirmed"] = confirmed;
        }
        if let Some(request) = visit.request {
            said["request"] = request.to_pem().into();
        }
        let question = Question::new(Method::POST, MEMBERSHIP).json(&said).patience(Some(PATIENCE));
        let given: Given = serde_json::from_value(self.api.ask(question).await?.json()?)?;
        Ok(Granted {
            trust: Trust::from_pem(&given.trust)?,
            issuer: given.issuer.parse()?,
            certificate: given.certificate.as_deref().map(Certificate::from_pem).transpose()?,
        })
    }
}

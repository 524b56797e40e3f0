//! What workers do about AMQP channels and connections.

use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::{Error, views},
    api::Api,
    lookup::Kind,
    table::Fields,
};

#[derive(Debug, Deserialize)]
struct Standing {
    server: String,
    pid: u32,
    way: Option<String>,
    state: String,
    since: Option<String>,
    reason: Option<String>,
}

/// Puts what each worker does into the object, as its member of that name.
pub(crate) async fn ask(api: &Api, kind: &Kind, object: &mut Value, member: &str) -> Result<(), Error> {
    let id = object["id"].as_str().unwrap_or_default();
    let told = api.get(format!("{}/{id}/{member}", kind.path)).await?;
    object[member] = told["items"].clone();
    Ok(())
}

/// A field with a line for each worker, where there is one.
pub(crate) fn field(fields: Fields, object: &Value, member: &'static str) -> Result<Fields, Error> {
    let Some(items) = object[member].as_array() else { return Ok(fields) };
    let standings: Vec<Standing> = views(items)?;
    let lines: Vec<String> = standings.iter().map(Standing::line).collect();
    Ok(if lines.is_empty() { fields } else { fields.with(member, lines.join("\n")) })
}

impl Standing {
    fn line(&self) -> String {
        let way = self.way.as_deref().filter(|way| !way.is_empty()).map(|way| format!(" {way}"));
        let since = self.since.as_ref().map(|since| format!(" since {since}"));
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}"));
        let [way, since, reason] = [way, since, reason].map(Option::unwrap_or_default);
        format!("{} {}{way} {}{since}{reason}", self.server, self.pid, self.state)
    }
}

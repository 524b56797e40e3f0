//! `busbar status`: what runs, on one page.

use serde_json::{Value, json};

use super::{
    Bus,
    failure::{Doing as _, Failure},
    locate::Endpoints,
    output::{short, whole},
    plugin,
};

const SERVERS: &str = "/api/v1/servers";

pub(crate) async fn run(bus: &Bus<'_>) -> Result<(), Failure> {
    let api = bus.admin()?;
    let read = async {
        let servers = api.list(SERVERS, &[]).await?;
        Ok((servers, api.list(plugin::PLUGINS, &[]).await?))
    };
    let (servers, plugins) = read.await.doing(|| "ask for the status".to_owned())?;
    let Endpoints { http, admin } = bus.locator.endpoints();
    if bus.output.is_json() {
        let endpoints = json!({"http": http, "admin": admin});
        bus.output.json(&json!({"endpoints": endpoints, "servers": servers, "plugins": plugins}));
        return Ok(());
    }
    let unknown = || "-".to_owned();
    bus.output.line(&format!("services  {}", http.unwrap_or_else(unknown)));
    bus.output.line(&format!("admin     {}", admin.unwrap_or_else(unknown)));
    bus.output.line("");
    let headers = ["SERVER", "VERSION", "WORKER", "PID", "STATE", "CATALOG", "SINCE"];
    bus.output.table(&headers, servers.iter().flat_map(workers).collect());
    bus.output.line("");
    bus.output.list(plugins, &plugin::COLUMNS);
    Ok(())
}

/// A row for each worker of a server, or one for a server that is not there.
fn workers(server: &Value) -> Vec<Vec<String>> {
    let (name, version) = (whole(&server["name"]), whole(&server["version"]));
    let absent = |state: &str, since: &Value| {
        let cells = [name.as_str(), version.as_str(), "-", "-", state, "-", &short(since)];
        vec![cells.map(str::to_owned).to_vec()]
    };
    if server["live"] == json!(false) {
        return absent("silent", &server["heartbeat_at"]);
    }
    let workers = server["workers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if workers.is_empty() {
        return absent("no workers", &server["started_at"]);
    }
    let row = |worker: &Value| {
        let of_worker =
            ["slot", "pid", "state", "catalog_version", "started_at"].map(|member| short(&worker[member]));
        [vec![name.clone(), version.clone()], of_worker.to_vec()].concat()
    };
    workers.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::workers;

    #[test]
    fn every_worker_has_a_row_and_a_silent_server_one() {
        let worker = |slot| json!({"slot": slot, "pid": 7, "state": "ready", "catalog_version": 14});
        let live = json!({"name": "a", "version": "1", "live": true, "workers": [worker(0), worker(1)]});
        assert_eq!(workers(&live).len(), 2);
        assert_eq!(workers(&live)[1][..6], ["a", "1", "1", "7", "ready", "14"]);
        let silent = json!({"name": "a", "version": "1", "live": false, "workers": [worker(0)]});
        assert_eq!(workers(&silent)[0][4], "silent");
    }
}

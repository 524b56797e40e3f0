//! `busbar status`: the bus at a glance.

use anyhow::{Context as _, anyhow};
use busbar_model::DeploymentState;
use serde_json::{Value, json};

use super::{
    Session,
    answer::{Error, views},
    api::{Api, Question},
    channel, connection, delivery, deployment,
    locate::Access,
    plugin, security,
    server::{self, Server},
    service,
    table::{Fields, Table},
    text::count,
};

const READY: &str = "/_busbar/ready";

/// All that is shown.
struct Status {
    admin_url: String,
    origin: String,
    data_plane: Option<DataPlane>,
    servers: Vec<Value>,
    plugins: Vec<Value>,
    channels: Vec<Value>,
    services: usize,
    connections: usize,
    securities: usize,
    pending: usize,
    deliveries: Value,
}

struct DataPlane {
    url: String,
    /// `Err`: why it is not.
    ready: Result<(), String>,
}

pub(crate) async fn run(session: &mut Session) -> anyhow::Result<()> {
    let status = gather(session).await.context("failed to see how the bus is")?;
    let servers: Vec<Server> = views(&status.servers)?;
    if session.output.json() {
        session.output.value(&status.json())?;
    } else {
        status.show(session, &servers)?;
    }
    if !servers.iter().any(|server| server.live) {
        return Err(anyhow!("no server is live"));
    }
    match status.data_plane {
        Some(DataPlane { url, ready: Err(reason) }) => Err(anyhow!("{url} is not ready: {reason}")),
        _ => Ok(()),
    }
}

async fn gather(session: &Session) -> anyhow::Result<Status> {
    let access = session.locator.admin()?;
    let (admin_url, origin) = (access.url.clone(), access.origin.clone());
    let api = Api::admin(access)?;
    let mut pending = 0;
    for state in DeploymentState::ALL.into_iter().filter(|state| state.is_pending()) {
        pending += api.list(&deployment::filtered(None, Some(state))).await?.len();
    }
    let data_plane = match session.locator.data_plane()? {
        Some(access) => Some(look(access).await?),
        None => None,
    };
    Ok(Status {
        admin_url,
        origin,
        data_plane,
        servers: api.list(server::PATH).await?,
        plugins: api.list(plugin::PATH).await?,
        channels: api.list(channel::KIND.path).await?,
        services: api.list(service::PATH).await?.len(),
        connections: api.list(connection::KIND.path).await?.len(),
        securities: api.list(security::KIND.path).await?.len(),
        pending,
        deliveries: api.get(delivery::COUNTS_PATH).await?,
    })
}

async fn look(access: Access) -> Result<DataPlane, Error> {
    let url = access.url.clone();
    let ready = Api::data_plane(access)?.ask(Question::get(READY)).await;
    Ok(DataPlane { url, ready: ready.map(drop).map_err(|error| error.to_string()) })
}

impl Status {
    fn json(&self) -> Value {
        let data_plane = self.data_plane.as_ref();
        json!({
            "admin": self.admin_url,
            "http": data_plane.map(|plane| &plane.url),
            "ready": data_plane.map(|plane| plane.ready.is_ok()),
            "servers": self.servers,
            "plugins": self.plugins,
            "deliveries": self.deliveries,
            "counts": {
                "services": self.services,
                "channels": self.channels.len(),
                "connections": self.connections,
                "security": self.securities,
                "deployments_pending": self.pending,
            },
        })
    }

    fn show(&self, session: &mut Session, servers: &[Server]) -> anyhow::Result<()> {
        let plugins: Vec<plugin::View> = views(&self.plugins)?;
        let output = &mut session.output;
        output.fields(&self.fields(servers, &plugins)?)?;
        output.gap()?;
        output.table(&workers(servers))?;
        output.gap()?;
        Ok(output.table(&running(&plugins, servers))?)
    }

    fn fields(&self, servers: &[Server], plugins: &[plugin::View]) -> anyhow::Result<Fields> {
        let live = servers.iter().filter(|server| server.live).count();
        let quarantined = plugins.iter().filter(|plugin| plugin.state == "quarantined").count();
        let quarantined = match quarantined {
            0 => String::new(),
            some => format!(", {some} quarantined"),
        };
        let active = plugins.iter().filter(|plugin| plugin.state == "active").count();
        let channels: Vec<channel::View> = views(&self.channels)?;
        let open = channels.iter().filter(|channel| channel.active).count();
        let data_plane = match &self.data_plane {
            None => "nobody says where it is".to_owned(),
            Some(DataPlane { url, ready: Ok(()) }) => format!("{url} (ready)"),
            Some(DataPlane { url, ready: Err(_) }) => format!("{url} (not ready)"),
        };
        Ok(Fields::default()
            .with("admin", format!("{} (from {})", self.admin_url, self.origin))
            .with("data plane", data_plane)
            .with("servers", format!("{live} of {} live", servers.len()))
            .with("plugins", format!("{active} of {} active{quarantined}", plugins.len()))
            .with("services", self.services.to_string())
            .with("channels", format!("{open} of {} active", channels.len()))
            .with("connections", count(self.connections, "connection"))
            .with("security", count(self.securities, "definition"))
            .with("deployments", format!("{} under way", self.pending))
            .with("deliveries", delivery::counted(&self.deliveries)))
    }
}

fn workers(servers: &[Server]) -> Table {
    let mut table = Table::new([
        "SERVER",
        "VERSION",
        "LIVE",
        "HEARTBEAT",
        "SLOT",
        "PID",
        "WORKER",
        "CATALOG",
        "CONNECTIONS",
        "LACKS",
    ]);
    for server in servers {
        let live = if server.live { "yes" } else { "no" };
        let mut row = |[slot, pid, state, catalog, connections, lacks]: [String; 6]| {
            let (version, heartbeat) = (server.version.clone(), server.heartbeat_at.clone());
            let name = server.name.clone();
            let live = live.to_owned();
            table.row([name, version, live, heartbeat, slot, pid, state, catalog, connections, lacks]);
        };
        if server.workers.is_empty() {
            row(Default::default());
        }
        for worker in &server.workers {
            let catalog = worker.catalog_version.to_string();
            let (connections, lacks) = (worker.load.connections.to_string(), worker.load.troubles.join(", "));
            let (slot, pid) = (worker.slot.to_string(), worker.pid.to_string());
            row([slot, pid, worker.state.clone(), catalog, connections, lacks]);
        }
    }
    table
}

/// Plugins, with how many workers of live servers run the active version.
fn running(plugins: &[plugin::View], servers: &[Server]) -> Table {
    let mut table = Table::new(["PLUGIN", "STATE", "DIGEST", "WORKERS"]);
    for plugin in plugins {
        let digest = plugin.digest.clone().unwrap_or_default();
        let workers = || servers.iter().filter(|server| server.live).flat_map(Server::serving);
        let on = workers().filter(|worker| worker.runs(&plugin.name, &digest)).count();
        let on = format!("{on}/{}", workers().count());
        table.row([plugin.name.clone(), plugin.state.clone(), digest, on]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::run;
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    fn bus(live: bool) -> impl Fn(&Asked) -> (u16, Value) {
        move |asked| {
            let worker = |slot: u32, digest: &str| {
                json!({"slot": slot, "pid": 7 + slot, "state": "ready", "catalog_version": 42,
                    "plugins": {"echo": digest}, "load": {"connections": 5, "troubles": ["memory"]}})
            };
            let server = json!({"id": "1", "name": "one", "version": "0.1.0", "live": live, "heartbeat_at": "now",
                "workers": [worker(0, "sha256:new"), worker(1, "sha256:old")]});
            let plugin = json!({"name": "echo", "kind": "bus", "version": "1", "digest": "sha256:new",
                "state": "active", "services": [], "grants": null, "config": {}});
            let items = match asked.path.split('?').next().unwrap() {
                "/_busbar/ready" => return (200, json!({"status": "ok"})),
                "/api/v1/deliveries/counts" => {
                    return (200, json!({"waiting": 3, "in-doubt": 1, "failed": 2, "confirmed": 9}));
                }
                "/api/v1/servers" => json!([server]),
                "/api/v1/plugins" => json!([plugin]),
                _ => json!([]),
            };
            (200, json!({"items": items, "next": null}))
        }
    }

    #[tokio::test]
    async fn shows_workers_and_plugins() {
        let fake = Fake::start(bus(true)).await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session).await.unwrap();
        let text = out.text();
        for part in [
            "(ready)\n",
            "servers\t1 of 1 live\n",
            "deliveries\t3 waiting, 1 in doubt, 2 failed\n",
            "one\t0.1.0\tyes\tnow\t1\t8\tready\t42\t5\tmemory\n",
            "echo\tactive\tsha256:new\t1/2\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let (mut session, out, _) = fake.session(true);
        run(&mut session).await.unwrap();
        let value: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!((&value["ready"], &value["servers"][0]["name"]), (&json!(true), &json!("one")));
    }

    #[tokio::test]
    async fn no_live_server_is_a_failure() {
        let fake = Fake::start(bus(false)).await;
        let (mut session, out, err) = fake.session(false);
        let outcome = run(&mut session).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        assert!(out.text().contains("servers\t0 of 1 live\n"));
        assert_eq!(err.text(), "error: no server is live\n");
    }
}

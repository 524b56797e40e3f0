//! Several servers that share a database and a broker, and an admin process, each in a folder of its own, as on
//! machines of their own.

mod joining;
mod member;

use std::{fs, net::Ipv4Addr, time::Duration};

use busbar_test_broker::Broker;
use busbar_test_databases::{Kind, Server, free_port};
use serde_json::{Value, json};

pub use self::member::Member;
use crate::{
    artifact,
    folder::Folder,
    http::{Reply, Request},
    network::Host,
    poll,
};

/// Until a server takes calls; what is active is compiled in it.
pub const START_BOUND: Duration = Duration::from_secs(60);

/// Where the balancer of a host of its own listens.
pub const PORT: u16 = 11223;

/// How a cluster is made.
#[derive(Clone, Debug)]
pub struct Shape {
    pub database: Kind,
    pub servers: usize,
    pub workers: u32,
    /// Without it servers look at the database every two seconds.
    pub broker: bool,
    /// HAProxy before the servers, by an agent.
    pub balancer: bool,
    /// Whether it has an authority: it is made by `busbar init` and `busbar join`, and speaks mutual TLS.
    pub authority: bool,
    /// Whether balancers reach servers by Unix sockets.
    pub sockets: bool,
    /// Lines of each server's `busbar.toml`.
    pub settings: &'static str,
    /// Where servers and the admin process listen.
    pub address: Ipv4Addr,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            database: Kind::Postgres,
            servers: 2,
            workers: 2,
            broker: true,
            balancer: false,
            authority: false,
            sockets: false,
            settings: "",
            address: Ipv4Addr::LOCALHOST,
        }
    }
}

/// Stands for a member's own folder in its settings.
pub(super) const DIR: &str = "DIR";

/// Ends with all that belongs to it when it is dropped.
pub struct Cluster {
    pub servers: Vec<Member>,
    pub admin: Member,
    /// Its data plane is the balancer's.
    pub balancer: Option<Member>,
    pub database: Server,
    pub broker: Option<Broker>,
    /// Of a person, who may administer a cluster that has an authority.
    pub operator: Option<Folder>,
    /// What a folder of a member is given.
    common: Common,
}

#[derive(Clone, Debug)]
struct Common {
    odb_url: String,
    amqp_url: Option<String>,
    workers: u32,
    authority: bool,
    /// Whether these addresses are for one server alone.
    own_ways: bool,
    sockets: bool,
    settings: &'static str,
    address: Ipv4Addr,
}

impl Common {
    fn settings(&self, name: &str, http: u16, admin: u16) -> String {
        let Self { odb_url, amqp_url, workers, settings, address, .. } = self;
        // A member is told by who lets it in, unless it has ways of its own.
        let told = self.authority && !self.own_ways;
        let amqp_url = amqp_url.as_ref().filter(|_| !told);
        let amqp = amqp_url.map(|url| format!("[amqp]\nurl = \"{url}\"\n")).unwrap_or_default();
        let odb = if told { String::new() } else { format!("[odb]\nurl = \"{odb_url}\"\n") };
        let (reached, socket) = match self.sockets {
            true => (format!("{DIR}/run/http.sock"), format!("socket = \"{DIR}/run/http.sock\"\n")),
            false => (format!("{address}:{http}"), String::new()),
        };
        format!(
            "[server]\nname = \"{name}\"\naddress = \"{reached}\"\n{odb}{amqp}\
             [http]\n{socket}listen = \"{address}:{http}\"\ndrain_idle_ms = 500\n[ops]\nlisten = \"127.0.0.1:0\"\n\
             [admin]\nlisten = \"{address}:{admin}\"\n[workers]\ncount = {workers}\n{settings}"
        )
    }
}

impl Cluster {
    pub async fn start(shape: Shape) -> Self {
        let (kind, wants_broker) = (shape.database, shape.broker);
        // Both take seconds.
        let (database, broker) = tokio::join!(
            tokio::task::spawn_blocking(move || Server::start(kind)),
            tokio::task::spawn_blocking(move || wants_broker.then(Broker::start)),
        );
        let (database, broker) = (database.expect("a database starts"), broker.expect("a broker starts"));
        let common = Common {
            odb_url: database.database("busbar"),
            amqp_url: broker.as_ref().map(Broker::url),
            workers: shape.workers,
            authority: shape.authority,
            own_ways: false,
            sockets: shape.sockets,
            settings: shape.settings,
            address: shape.address,
        };
        let admin = Member::prepare("admin", &common.settings("admin", free_port(), free_port()));
        let (admin, operator) = match shape.authority {
            true => joining::found(admin, &common).await,
            false => (admin.start("admin"), None),
        };
        let mut cluster =
            Self { servers: Vec::new(), admin, balancer: None, database, broker, operator, common };
        cluster.admin.wait_admin(START_BOUND).await;
        for number in 1..=shape.servers {
            cluster.add(&format!("bus-{number}")).await;
        }
        for server in &cluster.servers {
            server.wait_ready(START_BOUND).await;
        }
        if shape.balancer {
            let address = format!("127.0.0.1:{}", free_port());
            let agent = cluster.agent("lb-1", &address, &address).await.start("lb-agent");
            agent.wait_ready(START_BOUND).await;
            cluster.balancer = Some(agent);
        }
        cluster
    }

    /// An agent on a host of its own, which is starting. Its balancer listens at all addresses of the host, at `PORT`.
    pub async fn agent_on(&self, host: &Host, name: &str) -> Member {
        let reached = format!("{}:{PORT}", host.address);
        self.agent(name, &format!("*:{PORT}"), &reached).await.on(host).start("lb-agent")
    }

    /// A folder for an agent whose balancer listens and is reached there, in which nothing runs.
    async fn agent(&self, name: &str, listen: &str, reached: &str) -> Member {
        let access = match self.common.authority {
            true => String::new(),
            false => format!(
                "url = \"http://{}\"\ntoken = \"{}\"\n",
                self.admin.admin_client().authority(),
                self.admin.token()
            ),
        };
        let settings = format!(
            "[server]\nname = \"{name}\"\n[admin]\n{access}listen = \"127.0.0.1:1\"\n\
             [http]\nlisten = \"{reached}\"\n[balancer]\nlisten = \"{listen}\"\n"
        );
        let member = Member::prepare(name, &settings);
        if self.common.authority {
            self.join(&member, "balancer").await;
        }
        member
    }

    /// The balancer, which must be there.
    pub fn front(&self) -> &Member {
        self.balancer.as_ref().expect("the cluster has a balancer")
    }

    /// Another server, which is starting.
    pub async fn add(&mut self, name: &str) -> &Member {
        self.add_with(name, &self.common.clone()).await
    }

    /// The same, of a server that has ways of its own to the database and the broker.
    pub async fn add_by(&mut self, name: &str, odb_url: &str, amqp_url: &str) -> &Member {
        let (odb_url, amqp_url) = (odb_url.to_owned(), Some(amqp_url.to_owned()));
        self.add_with(name, &Common { odb_url, amqp_url, own_ways: true, ..self.common.clone() }).await
    }

    async fn add_with(&mut self, name: &str, common: &Common) -> &Member {
        let port = free_port();
        let mut member = Member::prepare(name, &common.settings(name, port, free_port()));
        if common.authority {
            self.join(&member, "server").await;
            member.speak_tls(self.operator_dir());
        } else {
            // One key seals what all of them share.
            member.take_master_key(&self.admin);
        }
        self.servers.push(member.start("server"));
        &self.servers[self.servers.len() - 1]
    }

    /// Starts a server again that was ended or killed.
    pub fn revive(&mut self, at: usize) {
        let member = self.servers.remove(at);
        self.servers.insert(at, member.again("server"));
    }

    /// Starts the agent again that was ended or killed.
    pub fn revive_agent(&mut self) {
        self.balancer = self.balancer.take().map(|agent| agent.again("lb-agent"));
    }

    /// The agent dies; HAProxy lives on.
    pub async fn kill_agent(&mut self) {
        self.balancer.as_mut().expect("the cluster has a balancer").kill_parent().await;
    }

    /// Starts the admin process again that was ended or killed.
    pub async fn revive_admin(self) -> Self {
        let mut admin = self.admin.again("admin");
        admin.wait_admin(START_BOUND).await;
        Self { admin, ..self }
    }

    /// Waits until the balancer's agent says that so many servers are up, and that all is as is wanted.
    pub async fn wait_balanced(&self, servers: usize, bound: Duration) {
        poll::until(&format!("{servers} servers up"), bound, async || {
            let balancer = self.read("/balancer").await;
            let report = &balancer["agents"][0]["report"];
            let up = report["servers"].as_array().into_iter().flatten();
            let up =
                up.filter(|server| server["status"].as_str().is_some_and(|status| status.starts_with("UP")));
            if up.count() == servers && report["standing"]["state"] == "ok" {
                Ok(())
            } else {
                Err(balancer.to_string())
            }
        })
        .await;
    }

    /// Waits until every worker of every server that lives serves the newest definitions.
    pub async fn wait_everywhere_at_head(&self, bound: Duration) {
        let state = self.read("/balancer/state").await;
        let head = state["version"].as_i64().unwrap_or_else(|| panic!("version of {state}"));
        poll::until(&format!("version {head} everywhere"), bound, async || {
            let servers = self.read("/servers").await;
            let live = servers["items"].as_array().into_iter().flatten().filter(|one| one["live"] == true);
            let mut workers = live.flat_map(|one| one["workers"].as_array().into_iter().flatten());
            let behind = workers.find(|worker| {
                worker["state"] != "draining" && worker["catalog_version"].as_i64().unwrap_or(0) < head
            });
            behind.map_or(Ok(()), |worker| Err(worker.to_string()))
        })
        .await;
    }

    pub fn odb_url(&self) -> &str {
        &self.common.odb_url
    }

    pub fn server(&self, name: &str) -> &Member {
        self.servers
            .iter()
            .find(|server| server.name == name)
            .unwrap_or_else(|| panic!("{name} is no server"))
    }

    /// Calls the admin API: `path` is what follows `/api/v1`.
    pub async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.admin.api(method, path, body).await
    }

    /// `GET` from the admin API; must succeed.
    pub async fn read(&self, path: &str) -> Value {
        self.api("GET", path, None).await.expect(200)
    }

    /// A server as the cluster sees it.
    pub async fn seen(&self, name: &str) -> Value {
        self.read(&format!("/servers/{name}")).await
    }

    /// A channel for a service without credentials.
    pub async fn channel(&self, name: &str, path: &str, service: &str) -> Value {
        let body = json!({"name": name, "path": path, "service": service});
        self.api("POST", "/channels", Some(&body)).await.expect(201)
    }

    /// Sends a file; the deployment's id.
    pub async fn post(&self, file: &str, bytes: &[u8]) -> String {
        let request = Request::post(&format!("/api/v1/deployments?name={file}"))
            .header("content-type", "application/wasm")
            .body(bytes.to_vec());
        let reply = self.admin.send_admin(request).await;
        assert!(matches!(reply.status, 200 | 202), "{reply:?}");
        reply.json()["id"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
    }

    /// Waits for a deployment's state.
    pub async fn wait_state(&self, id: &str, state: &str) -> Value {
        poll::until(&format!("{state} of {id}"), poll::DEPLOY_BOUND, async || {
            let seen = self.read(&format!("/deployments/{id}")).await;
            if seen["state"] == state { Ok(seen) } else { Err(seen.to_string()) }
        })
        .await
    }

    /// A service of `make build` that is live on every server.
    pub async fn deploy_service(&self, name: &str) {
        self.deploy(&format!("{name}.wasm"), &artifact::service(name)).await;
    }

    pub async fn deploy(&self, file: &str, bytes: &[u8]) -> Value {
        let id = self.post(file, bytes).await;
        self.wait_state(&id, "active").await
    }

    /// Waits until every worker of every server that lives runs that version.
    pub async fn wait_everywhere(&self, plugin: &str, digest: &str, bound: Duration) {
        poll::until(&format!("{digest} of {plugin} everywhere"), bound, async || {
            let servers = self.read("/servers").await;
            let items = servers["items"].as_array().cloned().unwrap_or_default();
            let live: Vec<&Value> = items.iter().filter(|server| server["live"] == true).collect();
            let workers = live.iter().flat_map(|server| server["workers"].as_array().into_iter().flatten());
            let mut workers = workers.filter(|worker| worker["state"] != "draining").peekable();
            let some = workers.peek().is_some();
            if some && workers.all(|worker| worker["plugins"][plugin] == digest) {
                Ok(())
            } else {
                Err(servers.to_string())
            }
        })
        .await;
    }

    /// The name of the server that leads, once there is one.
    pub async fn leader(&self) -> String {
        poll::until("a leader", Duration::from_secs(30), async || {
            let cluster = self.read("/cluster").await;
            cluster["leader"].as_str().map(str::to_owned).ok_or_else(|| cluster.to_string())
        })
        .await
    }
}

/// Writes a file that only its owner reads.
fn write_private(path: &std::path::Path, bytes: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).expect("a file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
}

//! `make cluster`: a whole cluster on this machine, with the example services, until Ctrl-C.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it talks to the person who started it")]

use std::collections::BTreeMap;

use busbar_test_databases::Kind;
use busbar_tests::{
    Request, artifact,
    cluster::{Cluster, Shape},
};
use clap::{Parser, ValueEnum};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// What is called where, of the example services.
const CHANNELS: [(&str, &str, &str); 3] = [
    ("echo", "/echo", "echo"),
    ("greet", "/greet/{name}", "greeter.greet"),
    ("orders", "/orders", "orders.submit"),
];
const SERVICES: [&str; 5] = ["echo", "greeter", "mailer", "prices", "orders"];

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Database {
    Postgres,
    Mariadb,
}

/// Servers, PostgreSQL or MariaDB, RabbitMQ, HAProxy with its agent and an admin process, all of them private to
/// this command: on free ports, in temporary folders, and gone when it ends.
#[derive(Debug, Parser)]
struct Options {
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    servers: u8,
    /// Of each server.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    workers: u32,
    #[arg(long, value_enum, default_value_t = Database::Postgres)]
    database: Database,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).unwrap(), signal(SignalKind::terminate()).unwrap());
    println!("Starting a database, a broker, {} servers and a balancer …", options.servers);
    let shape = Shape {
        database: match options.database {
            Database::Postgres => Kind::Postgres,
            Database::Mariadb => Kind::Mariadb,
        },
        servers: options.servers.into(),
        workers: options.workers,
        balancer: true,
        authority: true,
        ..Shape::default()
    };
    tokio::select! {
        () = run(shape) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    println!("\nStopping all of it.");
}

/// Until it is dropped.
async fn run(shape: Shape) {
    let cluster = Cluster::start(shape).await;
    println!("Deploying the example services to every server …");
    for name in SERVICES {
        cluster.deploy_service(name).await;
    }
    // Nothing is granted by itself outside of quickstart.
    let grants = json!({"invoke": ["prices.lookup", "mailer.confirm"]});
    cluster.api("PUT", "/plugins/orders/grants", Some(&grants)).await.expect(200);
    for (name, path, service) in CHANNELS {
        cluster.channel(name, path, service).await;
    }
    let key = cluster.api("POST", "/security", Some(&json!({"name": "invoker", "kind": "api-key"}))).await;
    let key = key.expect(201)["key"].as_str().unwrap().to_owned();
    let front = cluster.front();
    front.http().send(&Request::get("/_busbar/ping")).await.expect_status(200);
    println!("{}", told(&cluster, &key));
    std::future::pending::<()>().await;
}

fn told(cluster: &Cluster, key: &str) -> String {
    let busbar = artifact::binary().display().to_string();
    let (front, admin) = (cluster.front().http().authority(), cluster.admin.admin_client().authority());
    let folders: BTreeMap<&str, String> = cluster
        .servers
        .iter()
        .map(|server| (server.name.as_str(), server.folder().dir().display().to_string()))
        .collect();
    let servers = cluster.servers.iter().map(|server| {
        let (name, address) = (&server.name, server.http().authority());
        format!("  {name:<12} https://{address}   folder {}\n", folders[name.as_str()])
    });
    let first = &folders[cluster.servers[0].name.as_str()];
    let (balancer, broker) = (
        cluster.front().folder().dir().display().to_string(),
        cluster.broker.as_ref().map(busbar_test_broker::Broker::url).unwrap_or_default(),
    );
    let (operator, of_admin) =
        (cluster.operator_dir().display().to_string(), cluster.admin.path("").display().to_string());
    format!(
        "
The cluster is up.

  services     http://{front}   (HAProxy; its agent's folder is {balancer})
  admin        https://{admin}   folder {of_admin}
{}  broker       {broker}
  database     {}
  you          folder {operator}   with a certificate to administer by

In another terminal
  export BUSBAR_HTTP_URL=http://{front} BUSBAR_INVOKER_KEY={key}
  alias bus='{busbar} --dir {operator}'

Try
  curl http://{front}/greet/Ada
  curl -i http://{front}/orders -d '{{\"customer\":\"Ada\",\"email\":\"ada@example.org\",\"lines\":[{{\"sku\":\"tea\",\"quantity\":2}}]}}'
  bus cluster --ask
  bus member list
  bus balancer show
  {busbar} balancer status --dir {balancer}
  bus drain bus-2 && bus drain bus-2 --undo
  bus authority roll && sleep 15 && bus authority show && sleep 15 && bus authority show
  cp my-service.wasm {first}/pickup/      # live on every server when it has moved to pickup/deployed
  pkill -9 -f 'server --dir {first}'      # the parent of a server; or kill any process: callers notice nothing

Past the balancer and the commands, with your certificate
  curl --cacert {operator}/tls/current/ca.pem --cert {operator}/tls/current/member.pem https://{admin}/api/v1/servers

Another server
  {busbar} join $(bus join-token) --name bus-9 --address 127.0.0.1:17010 --listen 127.0.0.1:17010 --dir /tmp/bus-9
  BUSBAR_OPS_LISTEN=127.0.0.1:0 {busbar} server --dir /tmp/bus-9

Ctrl-C stops all of it and removes the folders.
",
        servers.collect::<String>(),
        cluster.odb_url(),
    )
}

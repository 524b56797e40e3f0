//! A cluster with an authority: made and joined by command, mutual TLS between its members, a roll under load.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use busbar_tests::{
    Finished, Folder, Load, Plan, Request,
    cluster::{Cluster, START_BOUND, Shape},
    http::Tls,
    poll,
};
use serde_json::{Value, json};

/// The promise "under 3 s from `busbar join` to traffic", at three times its value.
const JOIN_BOUND: Duration = Duration::from_secs(9);
/// Until a roll has come to its end: three steps, each of which all members confirm.
const ROLL_BOUND: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn members_talk_by_mutual_tls() {
    let mut cluster = Cluster::start(Shape { authority: true, balancer: true, ..Shape::default() }).await;
    cluster.deploy_service("echo").await;
    cluster.channel("echo", "/echo", "echo").await;
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    cluster.wait_balanced(2, START_BOUND).await;
    cluster.front().http().get("/echo").await.expect_status(200);
    nobody_else_gets_in(&cluster).await;
    a_role_may_do_its_own(&cluster).await;
    openssl_says_the_same(&cluster);
    tokens_let_one_machine_in(&cluster).await;
    a_server_joins_and_leaves(&mut cluster).await;
    an_authority_follows_the_other(&cluster).await;
    a_clients_certificate_is_its_caller(&mut cluster).await;
}

async fn nobody_else_gets_in(cluster: &Cluster) {
    let (server, admin) = (&cluster.servers[0], &cluster.admin);
    // A person with a certificate reaches a server without the balancer.
    server.http().get("/echo").await.expect_status(200);
    for authority in [server.http().authority(), admin.admin_client().authority()] {
        let clear = busbar_tests::Client::new(&format!("http://{authority}"));
        let reply = clear.send(&Request::get("/_busbar/ping").bearer(&admin.token())).await;
        assert!(reply.status == 400 && reply.text().contains("TLS is spoken here"), "{reply:?}");
    }
    let stranger = Tls::stranger(cluster.operator_dir());
    let refused = server.http().clone().with_tls(stranger.clone()).try_send(&Request::get("/echo")).await;
    // With TLS 1.3 a client learns that only after the handshake.
    assert!(refused.is_err(), "{refused:?}");
    let admin_of = admin.admin_client().clone().with_tls(stranger);
    let request = Request::get("/api/v1/servers").bearer(&admin.token());
    let reply = admin_of.send(&request).await.expect(401);
    assert_eq!(reply["code"], "certificate-required", "{reply}");
}

async fn a_role_may_do_its_own(cluster: &Cluster) {
    let admin = cluster.admin.admin_client();
    let as_server = admin.clone().with_tls(Tls::member(cluster.servers[0].path("")));
    let as_balancer = admin.clone().with_tls(Tls::member(cluster.front().path("")));
    for (client, path) in [
        (&as_server, "/api/v1/servers"),
        (&as_server, "/api/v1/servers/bus-2"),
        (&as_balancer, "/api/v1/channels"),
    ] {
        // Not even with the token.
        let refused = client.send(&Request::get(path).bearer(&cluster.admin.token())).await.expect(403);
        assert_eq!(refused["code"], "role-not-allowed", "{path}: {refused}");
    }
    as_server.get("/api/v1/servers/bus-1").await.expect_status(200);
    as_balancer.get("/api/v1/balancer/state").await.expect_status(200);
    let by = cluster.read("/audit?kind=channel").await;
    assert_eq!(by["items"][0]["actor"], "operator ada", "{by}");
}

fn openssl(arguments: &[&str]) -> (bool, String) {
    let done = Command::new("openssl").args(arguments).output().unwrap();
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

fn openssl_says_the_same(cluster: &Cluster) {
    let current = |dir: PathBuf, file: &str| dir.join("tls/current").join(file).display().to_string();
    let ca = current(cluster.operator_dir(), "ca.pem");
    let verify = |dir: PathBuf, purpose: &str| {
        let certificate = current(dir, "cert.pem");
        openssl(&["verify", "-x509_strict", "-CAfile", &ca, "-purpose", purpose, &certificate])
    };
    for dir in [cluster.servers[0].path(""), cluster.admin.path("")] {
        for purpose in ["sslserver", "sslclient"] {
            let (good, said) = verify(dir.clone(), purpose);
            assert!(good, "{purpose}: {said}");
        }
    }
    for dir in [cluster.front().path(""), cluster.operator_dir()] {
        let (good, said) = verify(dir.clone(), "sslclient");
        assert!(good, "{said}");
        assert!(!verify(dir, "sslserver").0, "it would be taken for a server");
    }
}

async fn join(folder: &Folder, token: &str, name: &str) -> Finished {
    let dir = folder.dir().display().to_string();
    folder.run(&["join", token, "--name", name, "--dir", &dir]).await
}

async fn tokens_let_one_machine_in(cluster: &Cluster) {
    let (one, other) = (Folder::default(), Folder::default());
    let token = cluster.join_token(&["--role", "operator", "--name", "eve"]).await;
    for (text, words) in
        [("nonsense", "does not begin with busbar-join"), (&token[..token.len() - 3], "cut off or damaged")]
    {
        let refused = join(&one, text, "eve").await;
        assert!(refused.expect(2).stderr.contains(words), "{refused:?}");
    }
    let refused = join(&one, &token, "mallory").await;
    assert!(refused.expect(1).stderr.contains("is for operator \"eve\""), "{refused:?}");
    join(&one, &token, "eve").await.expect(0);
    let refused = join(&other, &token, "eve").await;
    assert!(refused.expect(1).stderr.contains("has been used"), "{refused:?}");
    let refused = join(&one, &token, "eve").await;
    assert!(refused.expect(2).stderr.contains("already"), "{refused:?}");
    // She may ask until she is forgotten.
    let dir = one.dir().display().to_string();
    one.run(&["cluster", "--dir", &dir]).await.expect(0);
    let operator = cluster.operator_dir().display().to_string();
    let ada = cluster.operator.as_ref().unwrap();
    ada.run(&["member", "forget", "operator", "eve", "--dir", &operator]).await.expect(0);
    let refused = one.run(&["cluster", "--dir", &dir]).await;
    assert!(refused.expect(1).stderr.contains("is no member of this cluster any more"), "{refused:?}");
    // A server that nobody let in does not start beside the others.
    let stranger = Folder::default();
    std::fs::create_dir_all(stranger.dir()).unwrap();
    let settings = format!("[odb]\nurl = \"{}\"\n[server]\nname = \"stranger\"\n", cluster.odb_url());
    std::fs::write(stranger.path("busbar.toml"), settings).unwrap();
    std::fs::copy(cluster.admin.path("master-key"), stranger.path("master-key")).unwrap();
    let dir = stranger.dir().display().to_string();
    let refused = stranger.run(&["server", "--dir", &dir]).await;
    assert!(refused.expect(2).stderr.contains("busbar join"), "{refused:?}");
}

async fn a_server_joins_and_leaves(cluster: &mut Cluster) {
    let begun = Instant::now();
    cluster.add("bus-3").await.wait_ready(START_BOUND).await;
    let took = begun.elapsed();
    eprintln!("from `busbar join-token` to ready: {took:?}");
    assert!(took < JOIN_BOUND, "{took:?}");
    cluster.wait_balanced(3, START_BOUND).await;
    let calls = load(cluster);
    let mut third = cluster.servers.pop().unwrap();
    let dir = third.path("").display().to_string();
    let left = third.folder().run(&["leave", "--dir", &dir]).await;
    assert!(left.expect(0).stdout.contains("has left"), "{left:?}");
    third.wait_ended().await;
    assert!(!third.path("tls").exists());
    cluster.wait_balanced(2, START_BOUND).await;
    calls.unharmed("a server that leaves", 50).await;
    let members = cluster.read("/cluster/members").await;
    let names: Vec<&Value> = members["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(!names.contains(&&json!("bus-3")) && names.contains(&&json!("bus-2")), "{members}");
}

/// GETs through the balancer on connections that stay.
fn load(cluster: &Cluster) -> Load {
    let plan = Plan::new(cluster.front().http(), 4, vec![Request::get("/echo?n=1")]);
    Load::start(plan.pause(Duration::from_millis(5)))
}

fn certificate(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join("tls/current/cert.pem")).unwrap()
}

async fn an_authority_follows_the_other(cluster: &Cluster) {
    let before = cluster.read("/cluster/authority").await;
    assert_eq!((&before["step"], &before["waits_for"]), (&json!("settled"), &json!(null)), "{before}");
    let dirs = [cluster.servers[0].path(""), cluster.admin.path(""), cluster.front().path("")];
    let certificates: Vec<_> = dirs.iter().map(|dir| certificate(dir)).collect();
    let calls = load(cluster);
    let direct = {
        let plan = Plan::new(cluster.servers[1].http(), 2, vec![Request::get("/echo?n=2")]);
        Load::start(Plan { fresh_connections: true, ..plan.pause(Duration::from_millis(20)) })
    };
    let (operator, ada) = (cluster.operator_dir().display().to_string(), cluster.operator.as_ref().unwrap());
    let begun = Instant::now();
    let shown = ada.run(&["authority", "roll", "--dir", &operator]).await;
    assert!(shown.expect(0).stdout.contains("introducing"), "{shown:?}");
    let refused = ada.run(&["authority", "roll", "--dir", &operator]).await;
    assert!(refused.expect(1).stderr.contains("one is under way"), "{refused:?}");
    // She looks again after all others have been ready for long, and is not shut out.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let after = poll::until("a settled roll", ROLL_BOUND, async || {
        let seen = ada.run(&["authority", "show", "--json", "--dir", &operator]).await.json();
        if seen["step"] == "settled" { Ok(seen) } else { Err(seen.to_string()) }
    })
    .await;
    eprintln!("from one authority to the next: {:?}", begun.elapsed());
    assert_ne!(after["issuer"], before["issuer"]);
    assert_eq!((&after["trusted"][0]["number"], after["trusted"].as_array().unwrap().len()), (&json!(2), 1));
    for (dir, before) in dirs.iter().zip(&certificates) {
        assert_ne!(certificate(dir), *before, "{}", dir.display());
    }
    calls.unharmed("a roll, behind the balancer", 50).await;
    direct.unharmed("a roll, with handshakes of every call", 50).await;
    cluster.wait_balanced(2, START_BOUND).await;
    let reports = cluster.read("/balancer").await;
    assert_eq!(reports["agents"][0]["report"]["standing"]["state"], "ok", "{reports}");
}

/// An authority for clients, a certificate for the balancer's own address, and two clients: `ada` and `eve`.
fn clients(folder: &Path) {
    let make = |arguments: &str| {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    make(&format!("req -x509 {key} -subj /CN=clients -keyout ca.key -out ca.pem"));
    make(&format!(
        "req -x509 {key} -subj /CN=front -addext subjectAltName=IP:127.0.0.1 -keyout front.key -out front.crt"
    ));
    for name in ["ada", "eve"] {
        make(&format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        make(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out {name}.crt"
        ));
    }
    let front = ["front.crt", "front.key"].map(|file| std::fs::read(folder.join(file)).unwrap()).concat();
    std::fs::write(folder.join("front.pem"), front).unwrap();
}

/// The status and the code of what curl is answered, as that client or as nobody.
fn curl(folder: &Path, url: &str, client: Option<&str>) -> (String, Value) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--cacert", "front.crt", "-w", "\n%{http_code}", url]).current_dir(folder);
    // What only the balancer may say.
    curl.args(["-H", "X-Busbar-Tls-Subject: /CN=ada"]);
    if let Some(client) = client {
        curl.args(["--cert", &format!("{client}.crt"), "--key", &format!("{client}.key")]);
    }
    let done = curl.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

async fn a_clients_certificate_is_its_caller(cluster: &mut Cluster) {
    let folder = tempfile::tempdir().unwrap();
    clients(folder.path());
    let made = json!({"name": "partner", "kind": "client-certificate", "subjects": ["/CN=ada"]});
    cluster.api("POST", "/security", Some(&made)).await.expect(201);
    let channel = json!({"name": "shown", "path": "/shown", "service": "echo", "security": "partner"});
    cluster.api("POST", "/channels", Some(&channel)).await.expect(201);
    cluster.wait_everywhere_at_head(poll::CHANGE_BOUND).await;
    let port =
        cluster.serve_clients_by_tls(&folder.path().join("front.pem"), &folder.path().join("ca.pem")).await;
    let url = format!("https://127.0.0.1:{port}/shown");
    poll::until("the balancer's own TLS", START_BOUND, async || {
        let met = std::net::TcpStream::connect(("127.0.0.1", port));
        met.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let (status, seen) = curl(folder.path(), &url, Some("ada"));
    assert_eq!(status, "200", "{seen}");
    let headers = seen["headers"].to_string();
    assert!(!headers.contains("busbar-tls") && headers.contains("x-forwarded-for"), "{headers}");
    for (client, status, code) in
        [(Some("eve"), "403", "certificate-refused"), (None, "401", "certificate-required")]
    {
        let refused = curl(folder.path(), &url, client);
        assert_eq!((refused.0.as_str(), &refused.1["code"]), (status, &json!(code)), "{refused:?}");
    }
    // Past the balancer nobody is believed, not even a member.
    let server = cluster.servers[0].http();
    let forged = Request::get("/shown").header("x-busbar-tls-subject", "/CN=ada");
    server.send(&forged).await.expect(401);
}

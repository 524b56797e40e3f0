//! TLS on both sides of the balancer: who a client is, and certificates that are renewed.

use std::{fs, path::Path, sync::Arc};

use busbar_lb_agent::Request;
use busbar_lb_config::{
    BindSettings, BindTls, FilePath, Hop, HopTls, ListenAddress, Outcome, Settings, Standing,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

use crate::{
    backend::Backend,
    load::once,
    stage::{Stage, free_port, server},
};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Certificate and key in one text.
    fn issue(&self, name: &str) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &self.issuer).unwrap().pem() + &key.serialize_pem()
    }
}

fn path(path: &Path) -> FilePath {
    FilePath::new(path.to_str().unwrap()).unwrap()
}

fn listen(settings: &mut Settings, port: u16, certificate: &Path, ca: &Path) {
    settings.front_end.push(BindSettings {
        address: ListenAddress::new(&format!("127.0.0.1:{port}")).unwrap(),
        tls: Some(BindTls { certificate: path(certificate), client_ca: Some(path(ca)), http2: true }),
    });
}

async fn connect(port: u16, ca: &str, identity: Option<&str>) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(pem) => {
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("bus.example.org").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

const FORGED: &str = "X-Busbar-Tls-Subject: \"/CN=admin\"\r\nX-Busbar-Tls-Sha256: 00\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_certificate_is_told_and_can_not_be_forged() {
    let mut stage = Stage::new();
    let a = Backend::start(stage.path(), "a").await;
    let (site, clients, others) =
        (Authority::new("site"), Authority::new("clients"), Authority::new("others"));
    let (certificate, ca) = (stage.path().join("site.pem"), stage.path().join("clients.pem"));
    fs::write(&certificate, site.issue("bus.example.org")).unwrap();
    fs::write(&ca, &clients.pem).unwrap();
    let port = free_port();
    stage.begin();
    stage.want(vec![server(&a)], |settings| listen(settings, port, &certificate, &ca));
    let first = stage.applied().await;

    let ada = clients.issue("ada");
    let (status, answer) = once(connect(port, &site.pem, Some(&ada)).await, "/x", FORGED).await;
    assert_eq!(status, 200);
    let der = CertificateDer::from_pem_slice(ada.as_bytes()).unwrap();
    let digest = hex(&der);
    assert!(answer.contains("x-busbar-tls-subject: /CN=ada\n"), "{answer}");
    assert!(answer.contains(&format!("x-busbar-tls-sha256: {digest}\n")), "{digest} in {answer}");
    assert!(answer.contains("x-forwarded-proto: https\n") && !answer.contains("admin"), "{answer}");
    assert_eq!(answer.matches("x-busbar").count(), 2, "{answer}");

    for nobody in [None, Some(others.issue("ada"))] {
        let (status, answer) = once(connect(port, &site.pem, nobody.as_deref()).await, "/x", FORGED).await;
        assert!(status == 200 && !answer.contains("x-busbar"), "{answer}");
    }
    let (_, answer) = stage.get("/x", FORGED).await;
    assert!(!answer.contains("x-busbar"), "{answer}");

    // A renewed certificate is loaded, though the configuration's text is the same.
    let renewed = Authority::new("renewed");
    fs::write(&certificate, renewed.issue("bus.example.org")).unwrap();
    let number = first.applied.unwrap().number;
    let is_so = |report: &busbar_lb_config::Report| {
        report.applied.as_ref().is_some_and(|entry| entry.number > number)
    };
    let report = stage.reported("the renewed certificate is loaded", is_so).await;
    assert_eq!(report.applied.unwrap().outcome, Outcome::Reloaded);
    assert_eq!(once(connect(port, &renewed.pem, None).await, "/x", "").await.0, 200);

    // Also while an earlier configuration is held: its certificate would end all the same.
    stage.ask(Request::Rollback { to: Some(number) }).await;
    let held = stage
        .reported("a rollback is held", |report| matches!(report.standing, Standing::RolledBack { .. }))
        .await;
    let number = held.applied.unwrap().number;
    let again = Authority::new("again");
    fs::write(&certificate, again.issue("bus.example.org")).unwrap();
    let is_so = |report: &busbar_lb_config::Report| {
        report.files_read && report.applied.as_ref().is_some_and(|entry| entry.number > number)
    };
    let report = stage.reported("what is held is loaded with the next certificate", is_so).await;
    assert!(matches!(report.standing, Standing::RolledBack { .. }), "{report:?}");
    assert_eq!(once(connect(port, &again.pem, None).await, "/x", "").await.0, 200);
}

fn hex(der: &[u8]) -> String {
    let digest = sha256(der);
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// By the library of TLS, which is there already.
fn sha256(bytes: &[u8]) -> Vec<u8> {
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let suites = provider.cipher_suites.iter().filter_map(|suite| suite.tls13());
    let sha256 = suites.map(|suite| suite.common.hash_provider).find(|hash| hash.output_len() == 32).unwrap();
    sha256.hash(bytes).as_ref().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hop_to_servers_is_mutual_tls_for_those_that_come_at_run_time_too() {
    let mut stage = Stage::new();
    let internal = Authority::new("internal");
    let (ca, balancer) = (stage.path().join("ca.pem"), stage.path().join("balancer.pem"));
    fs::write(&ca, &internal.pem).unwrap();
    fs::write(&balancer, internal.issue("balancer")).unwrap();
    let make = |name: &'static str, certificate: String| {
        let (parent, pem) = (stage.path().to_owned(), internal.pem.clone());
        async move {
            Backend::with(&parent, name, |folder| {
                fs::write(folder.join("ca.pem"), pem).unwrap();
                fs::write(folder.join("identity.pem"), certificate).unwrap();
            })
            .await
        }
    };
    let a = make("a", internal.issue("a")).await;
    let b = make("b", internal.issue("b")).await;
    let wrong = make("wrong", internal.issue("other")).await;
    let hop = |settings: &mut Settings| {
        settings.hop = Hop { tls: Some(HopTls { ca: path(&ca), certificate: path(&balancer) }) };
    };
    stage.begin();
    stage.want(vec![server(&a)], hop);
    let pid = stage.applied().await.haproxy.unwrap().pid;
    stage.server_is("a", "up", |server| server.status == "UP").await;

    stage.want(vec![server(&a), server(&b), server(&wrong)], hop);
    let report = stage.applied().await;
    assert_eq!((report.applied.unwrap().outcome, report.haproxy.unwrap().pid), (Outcome::Runtime, pid));
    // One whose certificate is for another name gets nothing.
    stage.server_is("wrong", "down", |server| server.status == "DOWN" && server.check == "L6RSP").await;
    stage.server_is("b", "up", |server| server.status == "UP" && server.check == "L7OK").await;
    let mut answered = Vec::new();
    for _ in 0..8 {
        let (status, answer) = stage.get("/x", "").await;
        assert_eq!(status, 200, "{answer}");
        answered.push(answer.split("\r\n\r\n").nth(1).unwrap().lines().next().unwrap().to_owned());
    }
    for name in ["a", "b"] {
        assert!(answered.iter().any(|answered| answered == name), "{answered:?}");
    }
    assert!(!answered.iter().any(|answered| answered == "wrong"), "{answered:?}");
}

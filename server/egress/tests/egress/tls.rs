//! TLS: whose certificate is believed, and to whom one is shown.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use busbar_egress::{Connection, ErrorKind, Outside, Redirects, Secret, Secrets, Settings, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::stage::{
    Answer, Server, answer_all, body_error, connection, error, get, listen, ok, reply, settings, text,
};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "An authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn leaf(&self, name: &str, days: i64) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let end = Outside::system().time;
        let now = end().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let end = i64::try_from(now.as_secs()).unwrap() + days * 24 * 3600;
        params.not_after = (SystemTime::UNIX_EPOCH + Duration::from_secs(end.try_into().unwrap())).into();
        let key = KeyPair::generate().unwrap();
        Leaf { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut store = RootCertStore::empty();
        store.add(self.issuer.der().clone()).unwrap();
        Arc::new(store)
    }
}

/// Notes of each handshake whether a certificate was shown.
async fn serve(
    leaf: &Leaf,
    clients: Option<&Authority>,
    answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<bool>>>) {
    let provider = Arc::new(default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = match clients {
        None => builder.unwrap().with_no_client_auth(),
        Some(authority) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider);
            builder.unwrap().with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key.serialize_der()));
    let config = builder.with_single_cert(vec![leaf.certificate.der().clone()], key).unwrap();
    let (acceptor, shown) = (TlsAcceptor::from(Arc::new(config)), Arc::new(Mutex::new(Vec::new())));
    let (noted, answer) = (Arc::clone(&shown), Arc::new(answer));
    let server = listen(move |stream, server| {
        let (acceptor, noted, answer) = (acceptor.clone(), Arc::clone(&noted), Arc::clone(&answer));
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            noted.lock().unwrap().push(stream.get_ref().1.peer_certificates().is_some());
            answer_all(stream, &server, &*answer).await;
        }
    })
    .await;
    (server, shown)
}

fn trusting(server: &Server, authority: &Authority) -> Settings {
    let tls = Tls { ca: Some(authority.pem()), ..Tls::default() };
    Settings { tls, ..settings(&format!("https://{}", server.address)) }
}

async fn refusal(settings: Settings) -> String {
    let error = error(&connection(settings), get("/")).await;
    assert!(matches!(error.kind, ErrorKind::Tls { .. }) && !error.maybe_processed, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_certificate_of_ones_own_authority_is_believed() {
    let authority = Authority::new();
    let (server, _) = serve(&authority.leaf("127.0.0.1", 1), None, |_, _| ok("hello")).await;
    let connection = connection(trusting(&server, &authority));
    for _ in 0..2 {
        assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_foreign_certificate_is_not() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let (server, _) = serve(&foreign.leaf("127.0.0.1", 1), None, |_, _| ok("")).await;
    assert!(refusal(trusting(&server, &authority)).await.ends_with("not from an authority that is trusted"));
    let system = Settings { tls: Tls::default(), ..trusting(&server, &authority) };
    refusal(system).await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn one_that_has_expired_or_is_for_another_name_is_not() {
    let authority = Authority::new();
    let (server, _) = serve(&authority.leaf("127.0.0.1", -1), None, |_, _| ok("")).await;
    assert!(refusal(trusting(&server, &authority)).await.ends_with("its certificate has expired"));
    let (server, _) = serve(&authority.leaf("other.example", 1), None, |_, _| ok("")).await;
    let mut settings = trusting(&server, &authority);
    assert!(refusal(settings.clone()).await.ends_with("its certificate is not for 127.0.0.1"));
    settings.tls.server_name = Some("other.example".to_owned());
    assert_eq!(connection(settings).call(get("/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_is_no_tls_is_told() {
    let authority = Authority::new();
    let plain = listen(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    refusal(trusting(&plain, &authority)).await;
    let noise = listen(|mut stream, _| async move {
        let _ = stream.write_all(&[0xff; 4096]).await;
    })
    .await;
    refusal(trusting(&noise, &authority)).await;
    let closes = listen(|stream, _| async move { drop(stream) }).await;
    refusal(trusting(&closes, &authority)).await;
}

#[tokio::test]
async fn a_body_that_is_cut_is_not_taken_for_a_whole_one() {
    let authority = Authority::new();
    let begun = |_: usize, _: &str| Answer::Cut(b"HTTP/1.1 200 OK\r\n\r\nhalf".to_vec());
    let (server, _) = serve(&authority.leaf("127.0.0.1", 1), None, begun).await;
    let error = body_error(&connection(trusting(&server, &authority)), get("/")).await;
    assert!(matches!(error.kind, ErrorKind::Body { .. }), "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_base_urls_origin_alone() {
    let authority = Authority::new();
    let leaf = authority.leaf("127.0.0.1", 1);
    let (other, shown_to_other) = serve(&leaf, Some(&authority), |_, _| ok("there")).await;
    let location = format!("location: https://{}/\r\n", other.address);
    let (server, shown) = serve(&leaf, Some(&authority), move |_, _| reply(302, &location, "")).await;
    let client = authority.leaf("shop", 1);
    let mut settings = trusting(&server, &authority);
    settings.tls.client_certificate = Some(client.certificate.pem());
    settings.redirects = Redirects::Hosts { max: 2, hosts: vec!["127.0.0.1".to_owned()] };
    let key = Some(Secret::new(client.key.serialize_pem()));
    let secrets = Secrets { client_key_pem: key, ..Secrets::default() };
    let connection = Connection::new(settings, &secrets, Outside::system()).unwrap();
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "there");
    assert_eq!(
        (&shown.lock().unwrap()[..], &shown_to_other.lock().unwrap()[..]),
        (&[true][..], &[false][..])
    );
}

#[tokio::test]
async fn certificates_that_are_none_are_refused_by_their_member() {
    let authority = Authority::new();
    let leaf = authority.leaf("shop", 1);
    let pem = || Some(leaf.certificate.pem());
    let key = |text: String| Secrets { client_key_pem: Some(Secret::new(text)), ..Secrets::default() };
    let refused = |tls: Tls, secrets: &Secrets| {
        let settings = Settings { tls, ..settings("https://127.0.0.1") };
        Connection::new(settings, secrets, Outside::system()).err().unwrap().to_string()
    };
    let none = Secrets::default();
    let no_authority = Tls { ca: Some("hunter2".to_owned()), ..Tls::default() };
    assert_eq!(refused(no_authority, &none), "tls.ca is no certificate: at least one, as PEM, is needed");
    let client = || Tls { client_certificate: pem(), ..Tls::default() };
    assert!(refused(client(), &none).starts_with("tls.client_key is missing"));
    assert!(
        refused(Tls::default(), &key(leaf.key.serialize_pem()))
            .starts_with("tls.client_certificate is missing")
    );
    let unreadable = refused(client(), &key("hunter2".to_owned()));
    assert!(unreadable.starts_with("tls.client_key is no key") && !unreadable.contains("hunter2"));
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(refused(client(), &key(other)).starts_with("tls.client_certificate is unusable"));
}

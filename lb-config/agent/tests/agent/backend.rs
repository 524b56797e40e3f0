//! A server as HAProxy sees one: ready or not, and otherwise a mirror of the request.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

use crate::stage::until;

/// Its settings are files in a folder of its own: `name`; `not-ready` while it is not; `socket` for a Unix socket; for TLS
/// `ca.pem` and `identity.pem`. It writes its `port`.
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    child: Child,
}

const FOLDER: &str = "BUSBAR_LB_BACKEND";

impl Backend {
    pub(crate) async fn start(parent: &Path, name: &str) -> Self {
        Self::with(parent, name, |_| {}).await
    }

    pub(crate) async fn with(parent: &Path, name: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("name"), name).unwrap();
        prepare(&folder);
        let backend = Self { name: name.to_owned(), child: spawn(&folder), folder };
        until("the back end listens", || backend.folder.join("port").exists()).await;
        backend
    }

    pub(crate) fn address(&self) -> String {
        match self.folder.join("socket").exists() {
            true => fs::read_to_string(self.folder.join("socket")).unwrap(),
            false => format!("127.0.0.1:{}", fs::read_to_string(self.folder.join("port")).unwrap()),
        }
    }

    pub(crate) fn ready(&self, ready: bool) {
        let path = self.folder.join("not-ready");
        if ready { fs::remove_file(path).unwrap() } else { fs::write(path, "").unwrap() }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// At its old port.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.folder);
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "backend::process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "this is the back end's process, which other tests start"]
fn process() {
    #[expect(clippy::disallowed_methods, reason = "how a test's process is told what it is")]
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(PathBuf::from(folder)));
}

async fn serve(folder: PathBuf) {
    let name: Arc<str> = fs::read_to_string(folder.join("name")).unwrap().into();
    let not_ready = folder.join("not-ready");
    if let Ok(path) = fs::read_to_string(folder.join("socket")) {
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(path).unwrap();
        fs::write(folder.join("port"), "0").unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(connection(TokioIo::new(stream), Arc::clone(&name), not_ready.clone()));
        }
    }
    let port = fs::read_to_string(folder.join("port")).unwrap_or_else(|_| "0".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    fs::write(folder.join("port.next"), listener.local_addr().unwrap().port().to_string()).unwrap();
    fs::rename(folder.join("port.next"), folder.join("port")).unwrap();
    let tls = acceptor(&folder);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (name, not_ready, tls) = (Arc::clone(&name), not_ready.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(TokioIo::new(stream), name, not_ready).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(TokioIo::new(stream), name, not_ready).await;
                    }
                }
            }
        });
    }
}

fn acceptor(folder: &Path) -> Option<TlsAcceptor> {
    let ca = CertificateDer::from_pem_file(folder.join("ca.pem")).ok()?;
    let identity = folder.join("identity.pem");
    let mut roots = RootCertStore::empty();
    roots.add(ca).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let certificate = CertificateDer::from_pem_file(&identity).unwrap();
    let key = PrivateKeyDer::from_pem_file(&identity).unwrap();
    Some(TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap())))
}

async fn connection<S>(stream: TokioIo<S>, name: Arc<str>, not_ready: PathBuf)
where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let service = service_fn(move |request| answer(request, Arc::clone(&name), not_ready.clone()));
    let _ = http1::Builder::new().serve_connection(stream, service).await;
}

/// The mirror's first line is the back end's name; the request's headers follow.
async fn answer(
    request: Request<Incoming>,
    name: Arc<str>,
    not_ready: PathBuf,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let status = match request.uri().path() {
        "/_busbar/ready" if not_ready.exists() => 503,
        "/fails" => 503,
        _ => 200,
    };
    let mut text = format!("{name}\n");
    for (header, value) in request.headers() {
        text += &format!("{header}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    request.into_body().collect().await?;
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
}

//! Servers that do what a test says, and connections to them.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use busbar_egress::{
    CallError, Connection, Outside, Reply, Request, Resolve, Resolving, Retries, Secrets, Settings, Timeouts,
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A listener on loopback, and what came to it.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// Heads and bodies, in their order.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Each connection is given to `each`.
pub(crate) async fn listen<F>(each: impl Fn(TcpStream, Server) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        connections: Arc::default(),
        requests: Arc::default(),
    };
    let told = server.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            told.connections.fetch_add(1, SeqCst);
            tokio::spawn(each(stream, told.clone()));
        }
    });
    server
}

/// What is written, and what becomes of the connection then.
pub(crate) enum Answer {
    Keep(Vec<u8>),
    Close(Vec<u8>),
    Hang(Vec<u8>),
    /// As when the wire is cut: of TLS without its end.
    Cut(Vec<u8>),
}

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        let (Self::Keep(bytes) | Self::Close(bytes) | Self::Hang(bytes) | Self::Cut(bytes)) = self;
        bytes
    }
}

/// With a status, header lines, and a body.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Keep(
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes(),
    )
}

pub(crate) fn ok(body: &str) -> Answer {
    reply(200, "", body)
}

/// Answers requests by their number, from 0 on, over all connections.
pub(crate) async fn serve(answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Server {
    let answer = Arc::new(answer);
    listen(move |stream, server| {
        let answer = Arc::clone(&answer);
        async move { answer_all(stream, &server, &*answer).await }
    })
    .await
}

pub(crate) async fn answer_all<S>(
    mut stream: S,
    server: &Server,
    answer: &(dyn Fn(usize, &str) -> Answer + Sync),
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = server.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let answer = answer(number, &request);
        let _ = stream.write_all(answer.bytes()).await;
        let _ = stream.flush().await;
        match answer {
            Answer::Keep(_) => {}
            Answer::Close(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            Answer::Cut(_) => return,
            Answer::Hang(_) => std::future::pending().await,
        }
    }
}

/// Head and body, whose length is told or which comes in chunks.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = Vec::new();
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let ends = match length {
                Some(length) => body.len() >= length,
                None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
                None => true,
            };
            if ends {
                return Some(whole);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => text.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

/// Loopback is allowed, retries are none unless a test asks for them, time limits are short.
pub(crate) fn settings(base_url: &str) -> Settings {
    Settings {
        allow: vec!["127.0.0.0/8".to_owned()],
        retries: Retries { max: 0, pause_ms: 20, ..Retries::default() },
        timeouts: Timeouts { connect_ms: 2_000, first_byte_ms: 2_000, total_ms: 5_000 },
        breaker: None,
        ..Settings::new(base_url)
    }
}

pub(crate) fn connection(settings: Settings) -> Connection {
    Connection::new(settings, &Secrets::default(), Outside::system()).unwrap()
}

pub(crate) fn get(path: &str) -> Request {
    Request::new(Method::GET, path.parse().unwrap())
}

pub(crate) fn post(path: &str, body: &'static str) -> Request {
    let body = busbar_egress::RequestBody::Bytes(Bytes::from_static(body.as_bytes()));
    Request { body, ..Request::new(Method::POST, path.parse().unwrap()) }
}

pub(crate) async fn text(reply: Reply) -> Result<String, CallError> {
    let body = reply.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

pub(crate) async fn error(connection: &Connection, request: Request) -> CallError {
    connection.call(request).await.map(|reply| reply.status()).unwrap_err()
}

/// The error of a body, after a head that was fine.
pub(crate) async fn body_error(connection: &Connection, request: Request) -> CallError {
    text(connection.call(request).await.unwrap()).await.unwrap_err()
}

/// Answers in turn what a name is given, the last one for ever.
pub(crate) struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = answers.iter().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        let answers = HashMap::from([(host.to_owned(), parsed.collect())]);
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }

    pub(crate) fn outside(self: &Arc<Self>) -> Outside {
        Outside { resolver: Arc::clone(self) as Arc<dyn Resolve>, ..Outside::system() }
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        self.asked.fetch_add(1, SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let found = answers
            .get_mut(host)
            .map(|answers| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() });
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// A body whose parts come by a channel.
pub(crate) struct Parts(pub(crate) tokio::sync::mpsc::Receiver<Bytes>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|part| part.map(|part| Ok(http_body::Frame::data(part))))
    }
}

/// Looks until it is so, for five seconds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

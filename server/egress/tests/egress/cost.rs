//! What a call costs beside bare hyper.

use std::time::Duration;

use busbar_test_cost::{median, ratio, share_a_processor, spent};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::stage::{Answer, connection, get, listen, read_request, settings};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 7;

async fn measured(mut call: impl AsyncFnMut()) -> Duration {
    for _ in 0..500 {
        call().await;
    }
    let before = spent();
    for _ in 0..CALLS {
        call().await;
    }
    (spent() - before) / CALLS
}

/// A server on a thread of its own.
fn server() -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = listen(|mut stream, _| async move {
                let Answer::Keep(answer) = crate::stage::ok("hello") else { return };
                while read_request(&mut stream).await.is_some() {
                    tokio::io::AsyncWriteExt::write_all(&mut stream, &answer).await.unwrap();
                }
            })
            .await;
            sender.send(server.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().unwrap()
}

#[tokio::test]
#[ignore = "measures, in a release build: run by make bench-outgoing"]
async fn a_call_costs_at_most_half_as_much_again_as_bare_hyper() {
    share_a_processor();
    let url = server();
    let ours = connection(settings(&url));
    let theirs: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let target: http::Uri = format!("{url}/x").parse().unwrap();
    let stream = tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(io).await.unwrap();
    tokio::spawn(connection);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let ours = measured(async || {
            let reply = ours.call(get("/x")).await.unwrap();
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "hello");
        })
        .await;
        let pooled = measured(async || {
            let reply = theirs.get(target.clone()).await.unwrap();
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "hello");
        })
        .await;
        let bare = measured(async || {
            sender.ready().await.unwrap();
            let request = http::Request::get("/x").header("host", "x").body(Empty::new()).unwrap();
            let reply = sender.send_request(request).await.unwrap();
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "hello");
        })
        .await;
        println!("a call {ours:?}, hyper-util's pooled client {pooled:?}, one bare connection {bare:?}");
        rounds.push([pooled, bare].map(|floor| ratio(ours, floor)));
    }
    let [pooled, bare] =
        [0, 1].map(|place| median(&rounds.iter().map(|round| round[place]).collect::<Vec<_>>()));
    println!("median: {pooled:.2} x pooled, {bare:.2} x bare");
    assert!(pooled.max(bare) <= 1.5, "{pooled:.2} {bare:.2}");
}

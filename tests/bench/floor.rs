//! The floor: what a bare hyper server costs, as two single-threaded processes on one inherited listening socket.

use std::{
    convert::Infallible,
    env,
    net::TcpListener,
    os::fd::{AsFd as _, OwnedFd},
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Method, Request, Response, body::Incoming, header::HeaderValue, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use nix::sys::{prctl, signal::Signal};

pub(crate) const PROCESSES: usize = 2;
/// For which a process that has taken a connection leaves others to take the next.
const TURN: Duration = Duration::from_millis(1);

/// 64 bytes.
static ANSWER: &[u8; 64] = &[b'x'; 64];

pub(crate) fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a listener can be set to not block");
    println!("{}", listener.local_addr().expect("a listener has an address"));
    let workers: Vec<_> = (0..PROCESSES)
        .map(|_| {
            let inherited: OwnedFd = listener.try_clone().expect("a listener can be shared").into();
            let mut worker = Command::new(env::current_exe().expect("this program has a file"));
            worker
                .arg("floor-worker")
                .stdin(Stdio::from(inherited))
                .spawn()
                .expect("this program starts again")
        })
        .collect();
    for mut worker in workers {
        let _ = worker.wait();
    }
}

pub(crate) fn work() {
    prctl::set_pdeathsig(Signal::SIGKILL).expect("a process can ask to end with its parent");
    let inherited = std::io::stdin().as_fd().try_clone_to_owned().expect("a listener can be shared");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(TcpListener::from(inherited))
            .expect("a listener was inherited");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let service = service_fn(async |request: Request<Incoming>| {
                // What is posted goes back as it comes.
                let mut response = match *request.method() {
                    Method::POST => Response::new(Either::Left(request.into_body())),
                    _ => Response::new(Either::Right(Full::new(Bytes::from_static(ANSWER)))),
                };
                response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(async move {
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            });
            // The others have their turn: one that has most of the connections serves them for a fifth less than two that
            // have half of them each, and which it is would be left to chance.
            tokio::time::sleep(TURN).await;
        }
    });
}

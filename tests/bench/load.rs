//! The load generator: a process of its own, one thread, raw sockets, as little work per request as can be.

use std::{
    cell::RefCell,
    io::Read as _,
    process::Stdio,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::LocalSet,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[arg(long)]
    authority: String,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    seconds: f64,
}

/// A larger request is sent while its reply is read already: who passes bodies on does not wait for their end.
const SENT_FIRST_BYTES_MAX: usize = 64 * 1024;

/// What one run gave.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) requests: f64,
    pub(crate) errors: f64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Outcome {
    pub(crate) fn parse(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let number = |name: &str| value[name].as_f64().unwrap_or_else(|| panic!("no {name} in {text}"));
        Self {
            requests: number("requests"),
            errors: number("errors"),
            per_second: number("per_second"),
            p50_ms: number("p50_ms"),
            p99_ms: number("p99_ms"),
        }
    }
}

/// A run in a process of its own.
pub(crate) async fn run_apart(authority: &str, request: &[u8], connections: usize, seconds: f64) -> Outcome {
    let mut load = tokio::process::Command::new(std::env::current_exe().expect("this program has a file"))
        .args(["load", "--authority", authority])
        .args(["--connections", &connections.to_string(), "--seconds", &seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this program starts again");
    let mut stdin = load.stdin.take().expect("its input is a pipe");
    stdin.write_all(request).await.expect("the load reads its request");
    drop(stdin);
    let output = load.wait_with_output().await.expect("the load ends");
    Outcome::parse(&String::from_utf8_lossy(&output.stdout))
}

#[derive(Default)]
struct Tally {
    latencies_us: Vec<u32>,
    errors: u32,
}

pub(crate) fn run(options: &Options) {
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request).expect("the request can be read");
    let request: Rc<[u8]> = request.into();
    let tally = Rc::new(RefCell::new(Tally::default()));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let started = Instant::now();
    let end = started + Duration::from_secs_f64(options.seconds);
    LocalSet::new().block_on(&runtime, async {
        let tasks: Vec<_> = (0..options.connections)
            .map(|_| {
                let (authority, request, tally) =
                    (options.authority.clone(), Rc::clone(&request), Rc::clone(&tally));
                tokio::task::spawn_local(async move {
                    while Instant::now() < end {
                        if connection(&authority, &request, &tally, end).await.is_err() {
                            tally.borrow_mut().errors += 1;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("the load does not panic");
        }
    });
    let took = started.elapsed().as_secs_f64();
    println!("{}", report(&mut tally.borrow_mut(), took));
}

fn report(tally: &mut Tally, took: f64) -> Value {
    tally.latencies_us.sort_unstable();
    let count = tally.latencies_us.len();
    let at = |percent: usize| {
        let place = (count * percent / 100).min(count.saturating_sub(1));
        tally.latencies_us.get(place).map_or(0.0, |us| f64::from(*us) / 1e3)
    };
    let requests = u32::try_from(count).expect("a run is shorter");
    json!({
        "requests": requests,
        "errors": tally.errors,
        "per_second": f64::from(requests) / took,
        "p50_ms": at(50),
        "p99_ms": at(99),
    })
}

/// Asks on one connection until the end. An error is anything but success, too.
async fn connection(
    authority: &str,
    request: &[u8],
    tally: &RefCell<Tally>,
    end: Instant,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    while Instant::now() < end {
        let sent = Instant::now();
        if request.len() <= SENT_FIRST_BYTES_MAX {
            stream.write_all(request).await?;
            receive(&mut stream, &mut buffer).await?;
        } else {
            let (mut reading, mut writing) = stream.split();
            tokio::try_join!(writing.write_all(request), receive(&mut reading, &mut buffer))?;
        }
        let us = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
        tally.borrow_mut().latencies_us.push(us);
    }
    Ok(())
}

/// Reads one reply; its head has to fit the buffer, of its body only the length matters.
async fn receive(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    let whole = loop {
        filled += some(stream.read(&mut buffer[filled..]).await?)?;
        if let Some(whole) = reply_bytes(&buffer[..filled])? {
            break whole;
        }
    };
    while filled < whole {
        filled += some(stream.read(buffer).await?)?;
    }
    Ok(())
}

fn some(read: usize) -> std::io::Result<usize> {
    if read == 0 { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

/// Bytes of the reply that begins here, once its head is whole.
fn reply_bytes(bytes: &[u8]) -> std::io::Result<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    if !bytes.starts_with(b"HTTP/1.1 20") {
        return Err(std::io::Error::other("not 200 to 209"));
    }
    let name = b"content-length:";
    let lines = bytes[..head].split(|byte| *byte == b'\n');
    let length = lines
        .filter(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name))
        .find_map(|line| str::from_utf8(&line[name.len()..]).ok()?.trim().parse::<usize>().ok());
    let length = length.ok_or_else(|| std::io::Error::other("no content-length"))?;
    Ok(Some(head + 4 + length))
}

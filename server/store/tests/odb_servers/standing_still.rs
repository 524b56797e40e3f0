//! A process that stands still within a transaction, as one does whose machine is halted.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use busbar_store::{Error, Odb};

use crate::fixture::{Fixture, by, draft};

/// Three times what a transaction may stand still.
const BOUND: Duration = Duration::from_secs(12);

/// A way to the server that lets nothing through any more from the first COMMIT on after it was told to halt. Its
/// connections stay open.
struct Way {
    address: SocketAddr,
    halts: Arc<AtomicBool>,
    halted: mpsc::Receiver<()>,
}

impl Way {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let halts = Arc::new(AtomicBool::new(false));
        let (tell, halted) = mpsc::channel();
        let told_to = Arc::clone(&halts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let answers = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (halts, tell) = (Arc::clone(&told_to), tell.clone());
                thread::spawn(move || {
                    forward(client, server, |bytes| {
                        let stops = halts.load(Ordering::Relaxed) && is_commit(bytes);
                        if stops {
                            let _ = tell.send(());
                        }
                        stops
                    });
                });
                thread::spawn(move || forward(answers.0, answers.1, |_| false));
            }
        });
        Self { address, halts, halted }
    }
}

/// The statement is the last of what is sent; PostgreSQL's texts end with a zero. Levels of isolation have the word in them.
fn is_commit(bytes: &[u8]) -> bool {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).ends_with(b"COMMIT")
}

fn forward(mut from: TcpStream, mut to: TcpStream, stops: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if stops(&buffer[..length]) {
            // Nothing is closed.
            loop {
                thread::park();
            }
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn others_do_not_wait_for_it_for_long() {
    let fixture = Fixture::new();
    let url = fixture.place.url();
    let (before, rest) = url.rsplit_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let way = Way::to(server.parse().unwrap());
    let halted = Odb::open(&format!("{before}@{}/{database}", way.address), 1).unwrap();
    halted.create_channel(&by(), draft("a", "/a")).unwrap();
    way.halts.store(true, Ordering::Relaxed);
    let writer = thread::spawn(move || halted.create_channel(&by(), draft("b", "/b")));
    way.halted.recv_timeout(BOUND).unwrap();

    let begun = Instant::now();
    fixture.odb.head().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}: who reads waits for nobody", begun.elapsed());
    fixture.odb.create_channel(&by(), draft("c", "/c")).unwrap();
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let names: Vec<_> = fixture.odb.definitions().unwrap().channels.into_iter().map(|one| one.name).collect();
    assert!(names.iter().all(|name| name.as_str() != "b"), "{names:?}");
    // The one that stood still learns that its transaction is gone, and does not say that all is well.
    let outcome = writer.join().unwrap();
    assert!(matches!(outcome, Err(Error::Lost(_))), "{outcome:?}");
}

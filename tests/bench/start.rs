//! From the command to the first answer of a service, and the memory of what then idles.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use busbar_tests::{Client, Folder, Options, Quickstart, Request, process};

use crate::{
    rounds::megabytes,
    statistics::{duration, median, seconds},
};

pub(crate) async fn report(quick: bool) {
    let times = if quick { 1 } else { 3 };
    let (mut cold, mut warm, mut pss, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..times {
        let (took, bus) = first_answer(Folder::default()).await;
        cold.push(took);
        let folder = bus.stop().await;
        let (took, bus) = first_answer(folder).await;
        warm.push(took);
        pss.extend(bus.workers().await.iter().map(|worker| megabytes(process::pss_bytes(*worker))));
        whole.push(bus.processes().iter().map(|process| megabytes(process::pss_bytes(process.pid))).sum());
    }
    println!(
        "| start to first answer, cold (compiles) | warm | idle memory per worker (PSS) | of all processes |"
    );
    println!("| --: | --: | --: | --: |");
    println!(
        "| {} | {} | {:.1} MB | {:.1} MB |",
        duration(seconds(&cold)),
        duration(seconds(&warm)),
        median(&pss),
        median(&whole),
    );
}

/// With the example services, on a port known beforehand.
async fn first_answer(folder: Folder) -> (Duration, Quickstart) {
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free");
    let options = Options {
        services: vec!["echo", "greeter", "wasi-http"],
        http: free.to_string(),
        ..Options::default()
    };
    let client = Client::new(&format!("http://{free}"));
    let started = Instant::now();
    let answered = async {
        let get = Request::get("/echo");
        while !client.try_send(&get).await.is_ok_and(|reply| reply.status == 200) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        started.elapsed()
    };
    tokio::join!(answered, Quickstart::start_in(folder, options))
}

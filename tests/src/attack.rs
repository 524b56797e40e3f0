//! Requests that keep coming, whatever comes of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task::JoinHandle;

use crate::{http::Request, quickstart::Quickstart};

/// Goes on until it is stopped.
#[derive(Debug)]
pub struct Attack {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Attack {
    /// So many callers, each of which sends the request again and again.
    pub fn start(bus: &Quickstart, request: &Request, at_once: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let attacker = || {
            let (client, request, stop) = (bus.http().clone(), request.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let _ = client.try_send(&request).await;
                }
            })
        };
        let tasks = (0..at_once).map(|_| attacker()).collect();
        Self { stop, tasks }
    }

    pub async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("an attacker takes whatever it gets");
        }
    }
}

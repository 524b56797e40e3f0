//! This server's part in the events of the cluster: it hears that the ODB changed, says so itself, and answers how it
//! is.

use std::sync::Arc;

use busbar_model::bounds::WORKERS_ANSWER_MS;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::{
    causes::chain,
    clock,
    events::{self, Event, Progress, Responder},
    singleton::Core,
};

/// A question: how is this server, right now?
pub(crate) const STATUS: &str = "status";
/// Before the ODB is asked again what the cluster is.
const RETRY_AFTER: Duration = Duration::from_secs(2);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let Some(url) = core.boot.settings.amqp.url.clone() else { return std::future::pending().await };
    let cluster = loop {
        match core.odb(|odb| odb.cluster_id()).await {
            Ok(cluster) => break cluster,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "no events yet: the ODB can't be read");
                sleep(RETRY_AFTER).await;
            }
        }
    };
    let from = format!("{}/{}", core.boot.server_name, std::process::id());
    let broker = match events::Broker::start(&url, &cluster, &from) {
        Ok(broker) => broker,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "there are no events; the ODB is polled");
            return std::future::pending().await;
        }
    };
    let _ = core.hints.set(Arc::clone(&broker) as Arc<_>);
    let (hearing, answering) = (Arc::clone(&core), Arc::clone(&core));
    let changed = move || {
        hearing.look();
        hearing.workers.wake_senders();
    };
    let answer = move |event: Event, responder: Responder| {
        if event.name == STATUS {
            tokio::spawn(status(Arc::clone(&answering), responder));
        }
    };
    broker.listen(Some(&core.boot.server_name), changed, Some(Arc::new(answer))).await
}

/// Says at once that it heard, and then how the workers are: one that hangs is missing from the answer.
async fn status(core: Arc<Core>, responder: Responder) {
    let workers = core.workers.list().len() as u64;
    responder.progress(Progress { done: 0, of: workers }).await;
    let begun = clock::boot_time();
    let answered = core.workers.ask(Duration::from_millis(WORKERS_ANSWER_MS)).await;
    responder.answer(describe(&core, answered, clock::boot_time().saturating_sub(begun))).await;
}

fn describe(core: &Core, answered: Vec<u32>, took: Duration) -> Value {
    let standing = core.standing.borrow().clone();
    let workers: Vec<Value> = core
        .workers
        .list()
        .into_iter()
        .map(|worker| {
            json!({
                "slot": worker.slot,
                "pid": worker.pid,
                "state": worker.state.as_str(),
                "answered": answered.contains(&worker.pid),
                "catalog_version": worker.catalog_version,
                "under_way": worker.load.under_way,
                "connections": worker.load.connections,
            })
        })
        .collect();
    json!({
        "server": core.boot.server_name,
        "version": env!("CARGO_PKG_VERSION"),
        "leads": core.fence.borrow().is_some(),
        "condition": standing.condition.as_str(),
        "reason": standing.reason,
        "catalog_version": core.feed.borrow().catalog.as_ref().map(|catalog| catalog.version),
        "odb_silent_ms": u64::try_from(core.silence().as_millis()).unwrap_or(u64::MAX),
        "workers_answered_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "workers": workers,
    })
}

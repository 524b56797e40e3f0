//! SOAP services of others as programs (`tests/soap`), and their descriptions as a bus would fetch them.

use std::{collections::VecDeque, path::Path, process::Stdio, time::Duration};

use busbar_soap::client::{self, Document};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{Client, Reply, Request, artifact::repository, soap::installed};

/// The Java one compiles first, on a machine that is busy.
const START_BOUND: Duration = Duration::from_secs(120);

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct Partner {
    _child: Child,
    /// URLs of its descriptions.
    pub descriptions: Vec<String>,
}

impl Partner {
    /// Python's spyne; `version` is `1.1` or `1.2`.
    pub async fn spyne(version: &str) -> Self {
        let mut command = Command::new(installed("python/bin/python"));
        command.arg(repository().join("tests/soap/python/partner.py")).arg(version);
        Self::start(command, 1).await
    }

    /// JAX-WS: document/literal with SOAP 1.1, the same with SOAP 1.2 and MTOM, rpc/literal.
    pub async fn jax_ws(folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.arg(repository().join("tests/soap/java/partner.sh")).arg(folder);
        Self::start(command, 3).await
    }

    async fn start(mut command: Command, count: usize) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let mut descriptions = Vec::new();
        while descriptions.len() < count {
            let line = timeout(START_BOUND, lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("{command:?}: nothing within {START_BOUND:?}"));
            let line = line.expect("its output can be read");
            descriptions.push(line.unwrap_or_else(|| panic!("{command:?} has ended")));
        }
        Self { _child: child, descriptions }
    }
}

/// A description with all that it refers to.
pub async fn documents(url: &str) -> Vec<Document> {
    let mut waiting = VecDeque::from([url.to_owned()]);
    let mut documents: Vec<Document> = Vec::new();
    while let Some(location) = waiting.pop_front() {
        if documents.iter().any(|known| known.location == location) {
            continue;
        }
        let reply = send(&location, Request::get).await;
        let text = reply.expect_status(200).text().to_owned();
        let document = Document { location, text };
        let references = client::references(&document).unwrap_or_else(|refused| panic!("{refused}"));
        let resolved =
            references.iter().filter_map(|found| client::resolve(&document.location, &found.location));
        waiting.extend(resolved);
        documents.push(document);
    }
    documents
}

/// Sends to a URL what is made for its path.
pub async fn send(url: &str, request: impl FnOnce(&str) -> Request) -> Reply {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url:?} is not http"));
    let at = rest.find('/').unwrap_or(rest.len());
    let path = if at == rest.len() { "/" } else { &rest[at..] };
    Client::new(&url[..url.len() - rest.len() + at]).send(&request(path)).await
}

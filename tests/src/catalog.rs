//! Changing definitions, and knowing when every worker has seen the change.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{
    http::{Connection, Reply, Request},
    poll, process,
    quickstart::Quickstart,
};

impl Quickstart {
    /// Creates a channel with the defaults but for `members`; the channel.
    pub async fn create_channel(&self, name: &str, path: &str, service: &str, members: Value) -> Value {
        let mut channel = json!({"name": name, "protocol": "rest", "path": path, "service": service});
        if let (Some(channel), Value::Object(members)) = (channel.as_object_mut(), members) {
            channel.extend(members);
        }
        self.admin("POST", "/channels", Some(&channel)).await.expect(201)
    }

    /// The channel at a path; the first one if methods share it.
    pub async fn channel_at(&self, path: &str) -> Value {
        let list = self.read("/channels?limit=500").await;
        let items = list["items"].as_array().unwrap_or_else(|| panic!("items of {list}"));
        items
            .iter()
            .find(|channel| channel["path"] == path)
            .cloned()
            .unwrap_or_else(|| panic!("no {path} in {list}"))
    }

    pub async fn patch_channel(&self, id: &Value, members: &Value) -> Value {
        let id = id.as_str().unwrap_or_else(|| panic!("{id} is no id"));
        self.admin("PATCH", &format!("/channels/{id}"), Some(members)).await.expect(200)
    }

    /// Sets limits of a service and waits until every worker knows.
    pub async fn limit(&self, service: &str, limits: &Value) {
        let body = json!({"limits": limits});
        self.admin("PATCH", &format!("/services/{service}"), Some(&body)).await.expect(200);
        self.settle().await;
    }

    /// Creates HTTP basic credentials.
    pub async fn create_basic(&self, name: &str, username: &str, password: &str) -> Value {
        let body = json!({"name": name, "kind": "basic", "username": username, "password": password});
        self.admin("POST", "/security", Some(&body)).await.expect(201)
    }

    /// Creates an API key; the definition and the key.
    pub async fn create_key(&self, name: &str) -> (Value, String) {
        let created = self
            .admin("POST", "/security", Some(&json!({"name": name, "kind": "api-key"})))
            .await
            .expect(201);
        let key = created["key"].as_str().unwrap_or_else(|| panic!("no key in {created}")).to_owned();
        (created, key)
    }

    /// A connection to each worker. The others are halted while one accepts, so that it is the one.
    pub async fn connect_each(&self) -> Vec<Connection> {
        let workers = self.workers().await;
        let mut connections = Vec::new();
        for worker in &workers {
            let others: Vec<u32> = workers.iter().copied().filter(|other| other != worker).collect();
            others.iter().for_each(|other| process::signal(*other, Signal::SIGSTOP));
            let mut connection = self.http().connect().await;
            let ping = connection.try_send(&Request::get("/_busbar/ping")).await;
            others.iter().for_each(|other| process::signal(*other, Signal::SIGCONT));
            ping.unwrap_or_else(|failure| panic!("worker {worker}: {failure}")).expect_status(200);
            connections.push(connection);
        }
        connections
    }

    /// Waits until each worker's reply to `request` satisfies `wanted`, on connections that are kept.
    pub async fn wait_everywhere(
        &self,
        what: &str,
        bound: Duration,
        request: &Request,
        mut wanted: impl FnMut(&Reply) -> bool,
    ) {
        let connections = self.connect_each().await;
        assert!(!connections.is_empty(), "there are ready workers");
        for mut connection in connections {
            poll::until(what, bound, async || {
                let reply = connection.send(request).await;
                if wanted(&reply) { Ok(()) } else { Err(reply.to_string()) }
            })
            .await;
        }
    }

    /// Waits until every worker has seen all changes made so far: changes are seen in order, so a further one
    /// that is seen tells.
    pub async fn settle(&self) {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = format!("/settled/{number}");
        let channel = self.create_channel(&format!("settled-{number}"), &path, "settled", json!({})).await;
        let get = Request::get(&path);
        self.wait_everywhere("a change", poll::CHANGE_BOUND, &get, |reply| reply.status != 404).await;
        let id = channel["id"].as_str().unwrap_or_default();
        self.admin("DELETE", &format!("/channels/{id}"), None).await.expect_status(204);
    }
}

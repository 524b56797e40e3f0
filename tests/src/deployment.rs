//! Getting files live, and watching them become so.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    http::{Reply, Request},
    poll,
    quickstart::Quickstart,
};

/// `sha256:HEX` of a file.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// States that a deployment does not leave by itself.
const SETTLED: [&str; 4] = ["active", "failed", "superseded", "recalled"];

impl Quickstart {
    /// Sends a file to the API; the reply as it comes.
    pub async fn post_deployment(&self, file: &str, bytes: &[u8]) -> Reply {
        let request = Request::post(&format!("/api/v1/deployments?name={file}"));
        let request =
            request.bearer(self.token()).header("content-type", "application/wasm").body(bytes.to_vec());
        self.admin_client().send(&request).await
    }

    /// Sends a file and waits until it is live; the deployment.
    pub async fn deploy(&self, file: &str, bytes: &[u8]) -> Value {
        self.deploy_within(file, bytes, poll::DEPLOY_BOUND).await
    }

    /// The same of a file that takes long to compile.
    pub async fn deploy_within(&self, file: &str, bytes: &[u8], bound: Duration) -> Value {
        let id = accepted(&self.post_deployment(file, bytes).await);
        self.wait_state_within(&id, "active", bound).await
    }

    /// Rolls a plugin back or recalls it, and waits until that is so; the deployment.
    pub async fn act(&self, plugin: &str, action: &str) -> Value {
        let reply = self.admin("POST", &format!("/plugins/{plugin}/{action}"), None).await;
        let id = accepted(&reply);
        self.wait_state(&id, if action == "recall" { "recalled" } else { "active" }).await
    }

    pub async fn deployment(&self, id: &str) -> Value {
        self.read(&format!("/deployments/{id}")).await
    }

    /// Newest first.
    pub async fn deployments(&self, plugin: &str) -> Vec<Value> {
        let list = self.read(&format!("/deployments?plugin={plugin}&limit=500")).await;
        list["items"].as_array().cloned().unwrap_or_else(|| panic!("items of {list}"))
    }

    /// Waits for a deployment's state; panics at once where it settled in another one.
    pub async fn wait_state(&self, id: &str, state: &str) -> Value {
        self.wait_state_within(id, state, poll::DEPLOY_BOUND).await
    }

    async fn wait_state_within(&self, id: &str, state: &str, bound: Duration) -> Value {
        poll::until(&format!("deployment {id} is {state}"), bound, async || {
            let deployment = self.deployment(id).await;
            let now = deployment["state"].as_str().unwrap_or_default();
            assert!(now == state || !SETTLED.contains(&now), "it should become {state}: {deployment}");
            if now == state { Ok(deployment.clone()) } else { Err(deployment.to_string()) }
        })
        .await
    }

    /// Waits until the newest deployment of a plugin has this digest and state; the deployment.
    pub async fn wait_deployment(&self, plugin: &str, digest: &str, state: &str) -> Value {
        poll::until(&format!("{plugin} {digest} is {state}"), poll::DEPLOY_BOUND, async || {
            let all = self.deployments(plugin).await;
            let newest = all.first().cloned().unwrap_or_default();
            let found = newest["digest"] == digest && newest["state"] == state;
            if found { Ok(newest) } else { Err(newest.to_string()) }
        })
        .await
    }

    /// Waits until every worker runs this version of a plugin, or none of it.
    pub async fn wait_workers(&self, plugin: &str, digest: Option<&str>) {
        poll::until(&format!("every worker has {plugin} {digest:?}"), poll::CHANGE_BOUND, async || {
            let workers = self.worker_states().await;
            let all = workers.iter().all(|worker| worker["plugins"][plugin].as_str() == digest);
            if all && !workers.is_empty() { Ok(()) } else { Err(format!("{workers:?}")) }
        })
        .await;
    }

    /// Waits until the data plane answers a service's name with `status`, on each of many connections.
    pub async fn wait_invocable(&self, service: &str, input: &Value, status: u16) {
        poll::until(&format!("{service} answers {status}"), Duration::from_secs(10), async || {
            for _ in 0..8 {
                let reply = self.invoke(service, input).await;
                if reply.status != status {
                    return Err(reply.to_string());
                }
            }
            Ok(())
        })
        .await;
    }
}

/// The id of the deployment that a 202 points to.
#[track_caller]
pub fn accepted(reply: &Reply) -> String {
    reply.expect_status(202);
    let location = reply.header("location").unwrap_or_else(|| panic!("no Location in {reply}"));
    let (_, id) =
        location.rsplit_once("/deployments/").unwrap_or_else(|| panic!("{location} is no deployment"));
    id.to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_digest_names_its_algorithm() {
        // FIPS 180-4, the empty message.
        assert_eq!(
            super::digest(b""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}

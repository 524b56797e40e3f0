//! How far a deployment is: drawn over and over on a terminal, else one line for each change.

use std::{io, time::Duration};

use super::{
    bounds::WORKERS_SHOWN_MAX,
    output::Output,
    table::short_digest,
    text::{count, one_line, seconds},
    watch::Look,
};

#[derive(Default)]
pub(crate) struct Progress {
    said: Vec<String>,
}

impl Progress {
    pub(crate) fn show(&mut self, output: &mut Output, look: &Look, elapsed: Duration) -> io::Result<()> {
        if output.draws() {
            return output.draw(&picture(look, elapsed));
        }
        let facts = facts(look);
        for fact in facts.iter().filter(|fact| !self.said.contains(fact)) {
            output.note(&format!("{fact} ({})", seconds(elapsed)))?;
        }
        self.said = facts;
        Ok(())
    }
}

/// What is worth a line when it changes.
fn facts(look: &Look) -> Vec<String> {
    let deployment = &look.deployment;
    let plugin = one_line(&deployment.plugin);
    let mut facts = vec![format!("{plugin}: {}", deployment.state)];
    for server in &deployment.servers {
        facts.push(format!("{plugin} on {}: {}", one_line(&server.server), server.state));
    }
    if !deployment.state.is_pending() {
        let (on, all) = look.counts();
        facts.push(format!("{plugin}: runs on {on} of {}", count(all, "worker")));
    }
    facts
}

fn picture(look: &Look, elapsed: Duration) -> Vec<String> {
    let deployment = &look.deployment;
    let (on, all) = look.counts();
    let mut lines = vec![format!(
        "{} {}  {}  {}  {on}/{} ",
        one_line(&deployment.plugin),
        short_digest(&deployment.digest),
        deployment.state,
        seconds(elapsed),
        count(all, "worker"),
    )];
    for server in look.live() {
        let known = deployment.servers.iter().find(|known| known.server == server.name);
        let state = known.map_or("-", |known| known.state.as_str());
        lines.push(format!("  {}  {state}", one_line(&server.name)));
        if all > WORKERS_SHOWN_MAX {
            continue;
        }
        for worker in &server.workers {
            let mark = if look.runs(worker) { "✓" } else { "·" };
            let digest =
                worker.plugins.get(&deployment.plugin).map_or("-".to_owned(), |digest| short_digest(digest));
            lines.push(format!(
                "    {mark} worker {}  pid {}  {}  {digest}",
                worker.slot, worker.pid, worker.state
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::Progress;
    use crate::client::{answer::views, output::tests::recorded, watch::Look};

    fn look(state: &str, digest: &str) -> Look {
        let value = json!({"id": "1", "plugin": "orders", "digest": "new", "state": state, "reason": null,
            "servers": [{"server": "one", "state": "prepared", "reason": null}]});
        let worker = json!({"slot": 0, "pid": 7, "state": "ready", "plugins": {"orders": digest}});
        Look::new(value, views(&[json!({"name": "one", "live": true, "workers": [worker]})]).unwrap())
            .unwrap()
    }

    #[test]
    fn a_program_gets_a_line_for_each_change() {
        let (mut output, _, err) = recorded(false, None);
        let mut progress = Progress::default();
        for (state, digest) in
            [("received", "old"), ("received", "old"), ("active", "old"), ("active", "new")]
        {
            progress.show(&mut output, &look(state, digest), Duration::from_millis(420)).unwrap();
        }
        let lines = [
            "orders: received",
            "orders on one: prepared",
            "orders: active",
            "orders: runs on 0 of 1 worker",
            "orders: runs on 1 of 1 worker",
        ];
        assert_eq!(err.text(), lines.map(|line| format!("{line} (0.4 s)\n")).concat());
    }

    #[test]
    fn a_person_sees_each_worker() {
        let (mut output, _, err) = recorded(false, Some(80));
        Progress::default().show(&mut output, &look("active", "new"), Duration::from_secs(1)).unwrap();
        assert!(err.text().contains("✓ worker 0  pid 7  ready  new"), "{}", err.text());
    }
}

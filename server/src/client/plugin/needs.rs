//! What a plugin says it needs, and what it was granted of that.

use busbar_model::plugin::Grants;

use super::{View, href};
use crate::client::{Session, answer::view, api::Api};

/// Grants on one line for each kind.
pub(super) fn granted(grants: Option<&Grants>) -> String {
    let Some(grants) = grants else { return "nobody has set any".to_owned() };
    let lines = grants.kinds().into_iter().filter(|(_, patterns)| !patterns.is_empty());
    let lines: Vec<String> =
        lines.map(|(kind, patterns)| format!("{kind} {}", patterns.join(", "))).collect();
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n") }
}

/// Says what a plugin that has just been deployed asks for, so that its grants are not forgotten.
pub(crate) async fn tell(session: &mut Session, api: &Api, name: &str) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(());
    }
    // It is live: that nothing more is known of it is no failure.
    let Ok(value) = api.get(href(name)).await else { return Ok(()) };
    let plugin: View = view(&value)?;
    for line in lines(&plugin) {
        session.output.note(&line)?;
    }
    Ok(())
}

fn lines(plugin: &View) -> Vec<String> {
    let View { name, invokes, secrets, grants, .. } = plugin;
    let kinds = [("invoke", invokes), ("secret", secrets)];
    let asked = kinds.iter().flat_map(|(kind, names)| names.iter().map(move |name| (*kind, name)));
    let asked: Vec<(&str, &String)> = asked.collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let listed = |needs: &[(&str, &String)]| {
        needs.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![format!("{name} asks for: {}", listed(&asked))];
    let Some(grants) = grants else {
        lines.push(
            "nobody has set its grants: it reaches everything in development mode, else nothing".to_owned(),
        );
        return lines;
    };
    let mut missing = asked;
    missing.retain(|(kind, name)| match *kind {
        "invoke" => !grants.allows_invoke(name),
        _ => !grants.allows_secret(name),
    });
    if !missing.is_empty() {
        let listed = listed(&missing);
        lines.push(format!("not granted: {listed}; `busbar plugin grants {name}` shows and sets what is"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{View, lines};

    fn told(invokes: Value, secrets: Value, grants: Value) -> Vec<String> {
        let plugin = json!({"name": "orders", "kind": "bus", "version": "1", "digest": null, "state": "active",
            "invokes": invokes, "secrets": secrets, "grants": grants});
        lines(&serde_json::from_value::<View>(plugin).unwrap())
    }

    #[test]
    fn what_is_asked_for_and_not_granted_is_told() {
        let grants = json!({"invoke": ["mail.*"], "secrets": ["other"]});
        assert_eq!(told(json!([]), json!([]), grants.clone()), [""; 0]);
        let all = told(json!(["mail.send", "prices"]), json!(["other", "pay-key"]), grants.clone());
        assert_eq!(all[0], "orders asks for: invoke mail.send, invoke prices, secret other, secret pay-key");
        assert!(all[1].starts_with("not granted: invoke prices, secret pay-key; "), "{all:?}");
        assert_eq!(told(json!(["mail.send"]), json!([]), grants).len(), 1);
        assert!(told(json!([]), json!(["pay-key"]), Value::Null)[1].contains("nobody has set"));
    }
}

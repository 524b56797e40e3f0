//! What is another than before, member by member.

use busbar_store::Edit;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One definition that is made, changed or removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigurationChange)]
pub(crate) struct ChangeView {
    /// create, update or delete.
    action: &'static str,
    /// plugin, service, connection, channel, security, secret, calendar, job or dictionary.
    kind: &'static str,
    name: String,
    members: Vec<MemberView>,
}

/// A member that is another than before. Secrets are not shown.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ConfigurationMember)]
pub(crate) struct MemberView {
    /// With dots where it is inside others: `limits.cpu_ms`.
    member: String,
    /// Null where there was none, or no value.
    #[schema(required, value_type = Option<serde_json::Value>)]
    before: Value,
    #[schema(required, value_type = Option<serde_json::Value>)]
    after: Value,
}

impl From<&Edit> for ChangeView {
    fn from(edit: &Edit) -> Self {
        let none = Value::Null;
        let (before, after) = (edit.before.as_ref().unwrap_or(&none), edit.after.as_ref().unwrap_or(&none));
        let mut members = Vec::new();
        differences(String::new(), before, after, &mut members);
        // It is the change's own.
        members.retain(|member| member.member != "name");
        Self {
            action: edit.action.as_str(),
            kind: edit.object_kind.as_str(),
            name: edit.object_name.clone(),
            members,
        }
    }
}

fn differences(at: String, before: &Value, after: &Value, found: &mut Vec<MemberView>) {
    if before == after {
        return;
    }
    let inside = |value: &Value| value.as_object().is_some_and(|members| !members.is_empty());
    if !inside(before) && !inside(after) || ![before, after].into_iter().all(|v| v.is_object() || v.is_null())
    {
        return found.push(MemberView { member: at, before: before.clone(), after: after.clone() });
    }
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after) = (members(before), members(after));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let below = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let value = |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
        differences(below, &value(&before), &value(&after), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::differences;

    #[test]
    fn only_what_differs_is_told_where_it_is() {
        let told = |before: Value, after: Value| {
            let mut found = Vec::new();
            differences(String::new(), &before, &after, &mut found);
            found.iter().map(|m| format!("{}: {} → {}", m.member, m.before, m.after)).collect::<Vec<_>>()
        };
        let before = json!({"a": 1, "b": {"c": [1], "d": 2}, "gone": {"x": 1}, "g": null, "e": {"y": 1}});
        let after = json!({"a": 1, "b": {"c": [2], "d": 2}, "g": {"invoke": []}, "e": {}});
        let expected = ["b.c: [1] → [2]", "g.invoke: null → []", "e.y: 1 → null", "gone.x: 1 → null"];
        assert_eq!(told(before, after), expected);
        assert_eq!(told(json!(null), json!({"a": null, "b": {}})), ["b: null → {}"]);
        assert_eq!(told(json!({"a": 1}), json!({"a": {"b": 1}})), ["a: 1 → {\"b\":1}"]);
    }
}

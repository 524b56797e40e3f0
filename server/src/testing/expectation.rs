//! What came of a case's call against what the case expects.

use busbar_model::delivery::Target;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{
    call::Seen,
    case::{Case, Expect, ExpectedDelivery, ExpectedFault},
    comparison::{Failure, Members, compare, fits},
    double,
};

impl Seen {
    /// All that differs; nothing if the case passes.
    pub(super) fn compare(&self, case: &Case) -> Vec<Failure> {
        let mut failures = self.unanswered.clone();
        self.reply(&case.expect, &mut failures);
        if let Some(expected) = &case.effects.kv {
            let written = self.committed.written.iter().filter(|(key, _)| key.plugin == self.plugin);
            let written = written.map(|(key, value)| (key.key.as_str(), shown(value.as_deref()))).collect();
            keys(expected, written, &mut failures);
        }
        if let Some(expected) = &case.effects.deliveries {
            self.deliveries(expected, &mut failures);
        }
        failures
    }

    fn reply(&self, expect: &Expect, failures: &mut Vec<Failure>) {
        match (&expect.fault, self.problem()) {
            (Some(expected), Some(problem)) => fault(expected, problem, failures),
            (Some(expected), None) => {
                failures.push(Failure::new("fault", Some(json!(expected.code)), None));
                failures.push(Failure::new("output", None, Some(self.body.clone())));
            }
            (None, Some(problem)) => failures.push(Failure::new("fault", None, Some(short(problem)))),
            (None, None) => {
                let outputs =
                    [(&expect.output, Members::Exactly), (&expect.output_contains, Members::AtLeast)];
                for (expected, members) in outputs {
                    if let Some(expected) = expected {
                        compare("output", expected, &self.body, members, failures);
                    }
                }
            }
        }
        if let Some(status) = expect.status.filter(|status| *status != self.status) {
            failures.push(Failure::new("status", Some(json!(status)), Some(json!(self.status))));
        }
        for (name, expected) in &expect.headers {
            let found =
                self.headers.get(name.as_str()).map(|value| String::from_utf8_lossy(value.as_bytes()));
            if !found.as_ref().is_some_and(|found| fits(expected, found)) {
                let found = found.map(|found| json!(found));
                failures.push(Failure::new(format!("headers/{name}"), Some(json!(expected)), found));
            }
        }
    }

    /// The body, if it tells of a fault (RFC 9457).
    fn problem(&self) -> Option<&Value> {
        let kind = self.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        (self.status >= 400 && kind == Some(b"application/problem+json")).then_some(&self.body)
    }

    fn deliveries(&self, expected: &[ExpectedDelivery], failures: &mut Vec<Failure>) {
        let found = &self.committed.deliveries;
        for at in 0..expected.len().max(found.len()) {
            let place = format!("effects/deliveries/{at}");
            let (expected, found) = match (expected.get(at), found.get(at)) {
                (Some(expected), Some(found)) => (expected, found),
                (expected, found) => {
                    let expected = expected.map(|expected| json!(expected.service));
                    let found = found.map(
                        |found| json!({"service": found.target.to_string(), "input": double::value(&found.payload)}),
                    );
                    failures.push(Failure::new(place, expected, found));
                    continue;
                }
            };
            if Target::Service(expected.service.clone()) != found.target {
                let (expected, found) = (json!(expected.service), json!(found.target.to_string()));
                failures.push(Failure::new(format!("{place}/service"), Some(expected), Some(found)));
            }
            if let Some(input) = &expected.input {
                let found = double::value(&found.payload);
                compare(&format!("{place}/input"), input, &found, Members::Exactly, failures);
            }
            if expected.order_key.is_some() && expected.order_key != found.order_key {
                let (expected, found) = (expected.order_key.as_ref(), found.order_key.as_ref());
                let place = format!("{place}/order_key");
                failures.push(Failure::new(
                    place,
                    expected.map(|key| json!(key)),
                    found.map(|key| json!(key)),
                ));
            }
        }
    }
}

fn fault(expected: &ExpectedFault, problem: &Value, failures: &mut Vec<Failure>) {
    if problem["code"] != expected.code.as_str() {
        failures.push(Failure::new("fault", Some(json!(expected.code)), Some(short(problem))));
    }
    if let Some(paths) = &expected.errors {
        let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found: Vec<&Value> = errors.iter().map(|error| &error["path"]).collect();
        compare("fault/errors", &json!(paths), &json!(found), Members::Exactly, failures);
    }
}

/// What a person needs of a problem.
fn short(problem: &Value) -> Value {
    let mut short = json!({"code": problem["code"], "detail": problem["detail"]});
    if problem["errors"].as_array().is_some_and(|errors| !errors.is_empty()) {
        short["errors"] = problem["errors"].clone();
    }
    short
}

/// A kept value as a case writes it.
fn shown(value: Option<&[u8]>) -> Value {
    match value {
        None => Value::Null,
        Some([]) => Value::String(String::new()),
        Some(bytes) => double::value(bytes),
    }
}

/// Each expected key fits one that was written, and none is left.
fn keys(
    expected: &std::collections::BTreeMap<String, Value>,
    mut written: Vec<(&str, Value)>,
    failures: &mut Vec<Failure>,
) {
    // Keys that are told whole go first, so that beginnings take what is left.
    let mut patterns: Vec<(&String, &Value)> = expected.iter().collect();
    patterns.sort_by_key(|(pattern, _)| !written.iter().any(|(key, _)| key == pattern));
    for (pattern, value) in patterns {
        match written.iter().position(|(key, _)| fits(pattern, key)) {
            Some(at) => {
                let (key, found) = written.remove(at);
                compare(&format!("effects/kv/{key}"), value, &found, Members::Exactly, failures);
            }
            None => failures.push(Failure::new(format!("effects/kv/{pattern}"), Some(value.clone()), None)),
        }
    }
    for (key, value) in written {
        failures.push(Failure::new(format!("effects/kv/{key}"), None, Some(value)));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::Seen;
    use crate::testing::{case::Case, ledger::Committed};

    fn seen(status: u16, body: Value) -> Seen {
        let mut headers = HeaderMap::new();
        let kind = if status >= 400 { "application/problem+json" } else { "application/json" };
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("location", "/orders/7".parse().unwrap());
        let plugin = "orders".parse().unwrap();
        Seen { status, headers, body, committed: Committed::default(), unanswered: Vec::new(), plugin }
    }

    fn failures(seen: &Seen, members: Value) -> Vec<String> {
        let mut case = json!({"name": "a", "service": "orders.get"});
        for (name, value) in members.as_object().unwrap() {
            case[name] = value.clone();
        }
        let case: Case = serde_json::from_value(case).unwrap();
        seen.compare(&case).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_reply_is_compared() {
        let seen = seen(201, json!({"id": 7, "total": 3}));
        let headers = json!({"location": "/orders/*"});
        let good = json!({"expect": {"status": 201, "headers": headers, "output_contains": {"id": 7}}});
        assert!(failures(&seen, good).is_empty());
        let bad = json!({"expect": {"status": 200, "headers": {"location": "/x"}, "output": {"id": 7}}});
        assert_eq!(
            failures(&seen, bad),
            [
                "output/total: expected nothing, found 3",
                "status: expected 200, found 201",
                "headers/location: expected \"/x\", found \"/orders/7\"",
            ]
        );
        let fault = failures(&seen, json!({"expect": {"fault": {"code": "gone"}}}));
        assert_eq!(fault[0], "fault: expected \"gone\", found nothing");
    }

    #[test]
    fn a_fault_is_compared() {
        let errors = json!([{"path": "/a", "message": "must not be"}]);
        let seen = seen(400, json!({"code": "bad", "detail": "no", "errors": errors}));
        assert!(failures(&seen, json!({"expect": {"fault": {"code": "bad", "errors": ["/a"]}}})).is_empty());
        let wrong = failures(&seen, json!({"expect": {"fault": {"code": "odd", "errors": ["/b"]}}}));
        assert!(wrong[0].starts_with("fault: expected \"odd\", found {\"code\":\"bad\""), "{wrong:?}");
        assert_eq!(wrong[1], "fault/errors/0: expected \"/b\", found \"/a\"");
        let unexpected = failures(&seen, json!({"expect": {"output": {}}}));
        assert!(unexpected[0].starts_with("fault: expected nothing, found"), "{unexpected:?}");
    }

    #[test]
    fn keys_are_told_whole_or_by_their_beginning() {
        let mut seen = seen(200, Value::Null);
        for (key, value) in [("order/1", Some("{\"n\":1}")), ("last", Some("order/1")), ("old", None)] {
            let key = busbar_model::unit::Key { plugin: "orders".parse().unwrap(), key: key.to_owned() };
            seen.committed.written.insert(key, value.map(|value| value.as_bytes().to_vec()));
        }
        let good = json!({"order/*": {"n": 1}, "last": "order/1", "old": null});
        assert!(failures(&seen, json!({"effects": {"kv": good}})).is_empty());
        let bad = json!({"order/*": {"n": 2}, "more": 1});
        assert_eq!(
            failures(&seen, json!({"effects": {"kv": bad}})),
            [
                "effects/kv/more: expected 1, found nothing",
                "effects/kv/order/1/n: expected 2, found 1",
                "effects/kv/last: expected nothing, found \"order/1\"",
                "effects/kv/old: expected nothing, found null",
            ]
        );
    }

    #[test]
    fn deliveries_that_are_missing_are_told() {
        let seen = seen(200, Value::Null);
        let expected = json!({"effects": {"deliveries": [{"service": "mailer.confirm"}]}});
        assert_eq!(
            failures(&seen, expected),
            ["effects/deliveries/0: expected \"mailer.confirm\", found nothing"]
        );
    }
}

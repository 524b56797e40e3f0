//! What can't be, each with its member, its value and what is allowed.

use std::{ops::RangeInclusive, str::FromStr as _};

use http::{HeaderName, uri::PathAndQuery};

use serde_json::{Value, json};

use super::{
    AllowList, Auth, Redirects, Settings,
    headers::is_ours,
    numbers::{NUMBERS, STATUSES, member},
    origin::{Base, parse_host},
    target,
};
use crate::{
    bounds::{HTTP_HOSTS_MAX, HTTP_STATUSES_MAX, HTTP_TARGET_BYTES_MAX, HTTP_TEXT_CHARS_MAX, PEM_BYTES_MAX},
    connection::{Invalid, Refused, amqp},
};

impl Settings {
    /// All that is wrong with them; what certificates and secrets say is found out by who connects.
    pub fn check(&self) -> Result<(), Refused> {
        let mut found = Findings(Vec::new());
        found.keep(Base::parse("base_url", &self.base_url));
        found.keep(AllowList::parse(&self.allow));
        self.check_numbers(&mut found);
        self.check_auth(&mut found);
        self.check_redirects(&mut found);
        self.check_texts(&mut found);
        if found.0.is_empty() { Ok(()) } else { Err(Refused(found.0)) }
    }

    fn check_numbers(&self, found: &mut Findings) {
        let shown = json!(self);
        for (pointer, least, most) in NUMBERS {
            if let Some(value) = shown.pointer(pointer).and_then(Value::as_u64) {
                found.within(&member(pointer), value, least..=most);
            }
        }
        for (place, status) in self.retries.statuses.iter().enumerate() {
            found.within(&format!("retries.statuses[{place}]"), (*status).into(), STATUSES);
        }
        found.within("retries.statuses", self.retries.statuses.len() as u64, 0..=HTTP_STATUSES_MAX as u64);
    }

    fn check_auth(&self, found: &mut Findings) {
        match &self.auth {
            Auth::None {} | Auth::Bearer {} => {}
            Auth::Basic { username } => {
                let wrong = username.contains(':') || username.chars().any(char::is_control);
                found.text("auth.username", username, wrong, "no colon and no control character are allowed");
            }
            Auth::ApiKey { header } => {
                let wrong = HeaderName::from_str(header).map_or(true, |name| is_ours(&name));
                let allowed = "a header's name is needed that HTTP itself has no use for";
                found.text("auth.header", header, wrong, allowed);
            }
            Auth::ClientCredentials { token_url, client_id, scope, audience, .. } => {
                found.keep(Base::parse("auth.token_url", token_url));
                found.url("auth.token_url", token_url);
                let texts = [
                    ("auth.client_id", Some(client_id)),
                    ("auth.scope", scope.as_ref()),
                    ("auth.audience", audience.as_ref()),
                ];
                for (member, text) in texts {
                    let Some(text) = text else { continue };
                    let wrong = text.is_empty() || text.chars().any(char::is_control);
                    found.text(member, text, wrong, "a text without control characters is needed");
                }
            }
        }
    }

    fn check_redirects(&self, found: &mut Findings) {
        let Redirects::Hosts { hosts, .. } = &self.redirects else { return };
        found.within("redirects.hosts", hosts.len() as u64, 0..=HTTP_HOSTS_MAX as u64);
        for (place, host) in hosts.iter().enumerate() {
            let wrong = parse_host(host).is_none();
            let member = format!("redirects.hosts[{place}]");
            found.text(&member, host, wrong, "a host name or an address is needed, without a port");
        }
    }

    fn check_texts(&self, found: &mut Findings) {
        if let Some(name) = &self.tls.server_name {
            let wrong = amqp::host(name.clone()).is_err();
            found.text("tls.server_name", name, wrong, "a host name or an address is needed");
        }
        let pems = [("tls.ca", &self.tls.ca), ("tls.client_certificate", &self.tls.client_certificate)];
        for (member, pem) in pems {
            let length = pem.as_ref().map_or(0, String::len);
            if length > PEM_BYTES_MAX {
                let value = format!("{length} bytes long");
                found.0.push(Invalid::new(member, value, "at most 65536 bytes are allowed"));
            }
        }
        let path = PathAndQuery::from_str(&self.ping.path);
        let wrong = path.map_or(true, |path| target::check(&path).is_err());
        found.text("ping.path", &self.ping.path, wrong, "a path that begins with / is needed");
        found.url("base_url", &self.base_url);
    }
}

struct Findings(Vec<Invalid>);

impl Findings {
    fn keep<T>(&mut self, parsed: Result<T, Invalid>) {
        self.0.extend(parsed.err());
    }

    fn url(&mut self, member: &str, url: &str) {
        if url.len() > HTTP_TARGET_BYTES_MAX / 2 {
            let value = format!("{} bytes long", url.len());
            self.0.push(Invalid::new(member, value, "at most 8192 bytes are allowed"));
        }
    }

    fn within(&mut self, member: &str, value: u64, range: RangeInclusive<u64>) {
        if !range.contains(&value) {
            let allowed = format!("{} to {} are allowed", range.start(), range.end());
            self.0.push(Invalid::new(member, value, &allowed));
        }
    }

    fn text(&mut self, member: &str, value: &str, wrong: bool, allowed: &str) {
        let characters = value.chars().count();
        if characters > HTTP_TEXT_CHARS_MAX {
            let value = format!("{characters} characters long");
            let allowed = format!("at most {HTTP_TEXT_CHARS_MAX} are allowed");
            self.0.push(Invalid::new(member, value, &allowed));
        } else if wrong {
            self.0.push(Invalid::new(member, format!("{value:?}"), allowed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::http::{BreakerSettings, Retries, Timeouts};

    fn settings() -> Settings {
        Settings::new("https://api.example.com/v1")
    }

    fn refused(settings: &Settings) -> String {
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn the_base_url_alone_is_enough() {
        let read: Settings = serde_json::from_str(r#"{"base_url": "https://api.example.com/v1"}"#).unwrap();
        assert_eq!(read, settings());
        assert_eq!(read.check(), Ok(()));
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), read);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            r#"{"base_url": "http://x", "timeout": 1}"#,
            r#"{"base_url": "http://x", "timeouts": {"connect": 1}}"#,
            r#"{"base_url": "http://x", "auth": {"kind": "bearer", "token": "hunter2"}}"#,
            r#"{"base_url": "http://x", "redirects": {"kind": "all"}}"#,
            r#"{"base_url": "http://x", "ping": {"method": "POST"}}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_is_refused_with_member_value_and_what_is_allowed() {
        let timeouts = Timeouts { connect_ms: 0, total_ms: 3_600_001, ..Timeouts::default() };
        assert_eq!(
            refused(&Settings { timeouts, ..settings() }),
            "timeouts.connect_ms is 0: 1 to 3600000 are allowed; \
             timeouts.total_ms is 3600001: 1 to 3600000 are allowed"
        );
        let breaker = Some(BreakerSettings { percent: 101, open_max_ms: 0, ..BreakerSettings::default() });
        assert_eq!(
            refused(&Settings { breaker, ..settings() }),
            "breaker.percent is 101: 1 to 100 are allowed; breaker.open_max_ms is 0: 1 to 3600000 are allowed"
        );
        let retries = Retries { statuses: vec![503, 200], ..Retries::default() };
        assert_eq!(
            refused(&Settings { retries, ..settings() }),
            "retries.statuses[1] is 200: 400 to 599 are allowed"
        );
    }

    #[test]
    fn credentials_have_to_fit_into_headers() {
        let basic = Auth::Basic { username: "a:b".to_owned() };
        assert!(
            refused(&Settings { auth: basic, ..settings() })
                .starts_with("auth.username is \"a:b\": no colon")
        );
        for header in ["", "a b", "Host", "Content-Length", "Transfer-Encoding", "x\r\ny"] {
            let auth = Auth::ApiKey { header: header.to_owned() };
            assert!(refused(&Settings { auth, ..settings() }).starts_with("auth.header is "), "{header}");
        }
        let auth = Auth::ApiKey { header: "X-API-Key".to_owned() };
        assert_eq!(Settings { auth, ..settings() }.check(), Ok(()));
    }

    #[test]
    fn hosts_of_redirects_are_hosts() {
        for host in ["", "a/b", "a:80", "http://a", "a b", "user@a"] {
            let redirects = Redirects::Hosts { max: 3, hosts: vec![host.to_owned()] };
            assert!(
                refused(&Settings { redirects, ..settings() }).starts_with("redirects.hosts[0]"),
                "{host}"
            );
        }
        let redirects = Redirects::SameOrigin { max: 21 };
        assert_eq!(
            refused(&Settings { redirects, ..settings() }),
            "redirects.max is 21: 1 to 20 are allowed"
        );
    }
}

//! What can't be, each with its member, its value and what is allowed.

use std::{ops::RangeInclusive, str::FromStr as _};

use http::{HeaderName, uri::PathAndQuery};

use super::{
    AllowList, Auth, Redirects, Settings,
    headers::is_ours,
    origin::{Base, parse_host},
    target,
};
use crate::{
    bounds::{
        HTTP_BODY_BYTES_CEILING, HTTP_BREAKER_FAILURES_CEILING, HTTP_BREAKER_WINDOW_MS_FLOOR,
        HTTP_CONCURRENT_CEILING, HTTP_HOPS_CEILING, HTTP_HOSTS_MAX, HTTP_IDLE_CEILING, HTTP_MS_CEILING,
        HTTP_PER_SECOND_CEILING, HTTP_REPLY_HEAD_BYTES_CEILING, HTTP_REPLY_HEAD_BYTES_FLOOR,
        HTTP_RETRIES_CEILING, HTTP_TARGET_BYTES_MAX, HTTP_TEXT_BYTES_MAX, PEM_BYTES_MAX,
    },
    connection::{Invalid, Refused, amqp},
};

/// At least 1 where a time is waited for.
const WAITED: RangeInclusive<u64> = 1..=HTTP_MS_CEILING;

impl Settings {
    /// All that is wrong with them; what certificates and secrets say is found out by who connects.
    pub fn check(&self) -> Result<(), Refused> {
        let mut found = Findings(Vec::new());
        found.keep(Base::parse("base_url", &self.base_url));
        found.keep(AllowList::parse(&self.allow));
        self.check_times(&mut found);
        self.check_counts(&mut found);
        self.check_auth(&mut found);
        self.check_redirects(&mut found);
        self.check_texts(&mut found);
        if found.0.is_empty() { Ok(()) } else { Err(Refused(found.0)) }
    }

    fn check_times(&self, found: &mut Findings) {
        let times = &self.timeouts;
        found.within("timeouts.connect_ms", times.connect_ms, WAITED);
        found.within("timeouts.first_byte_ms", times.first_byte_ms, WAITED);
        found.within("timeouts.total_ms", times.total_ms, WAITED);
        found.within("pool.idle_ms", self.pool.idle_ms, WAITED);
        found.within("retries.pause_ms", self.retries.pause_ms, WAITED);
        found.within("retries.pause_max_ms", self.retries.pause_max_ms, WAITED);
        found.within("limits.wait_ms", self.limits.wait_ms, 0..=HTTP_MS_CEILING);
        if let Some(breaker) = &self.breaker {
            found.within(
                "breaker.window_ms",
                breaker.window_ms,
                HTTP_BREAKER_WINDOW_MS_FLOOR..=HTTP_MS_CEILING,
            );
            found.within("breaker.open_ms", breaker.open_ms, WAITED);
            found.within("breaker.open_max_ms", breaker.open_max_ms, breaker.open_ms..=HTTP_MS_CEILING);
        }
    }

    fn check_counts(&self, found: &mut Findings) {
        found.within("pool.idle_max", self.pool.idle_max.into(), 0..=HTTP_IDLE_CEILING.into());
        found.within("retries.max", self.retries.max.into(), 0..=HTTP_RETRIES_CEILING.into());
        for (place, status) in self.retries.statuses.iter().enumerate() {
            found.within(&format!("retries.statuses[{place}]"), (*status).into(), 400..=599);
        }
        if let Some(breaker) = &self.breaker {
            found.within(
                "breaker.failures",
                breaker.failures.into(),
                1..=HTTP_BREAKER_FAILURES_CEILING.into(),
            );
            found.within("breaker.percent", breaker.percent.into(), 1..=100);
        }
        let limits = &self.limits;
        found.within("limits.concurrent", limits.concurrent.into(), 1..=HTTP_CONCURRENT_CEILING.into());
        found.within("limits.waiting", limits.waiting.into(), 0..=HTTP_CONCURRENT_CEILING.into());
        if let Some(per_second) = limits.per_second {
            found.within("limits.per_second", per_second.into(), 1..=HTTP_PER_SECOND_CEILING.into());
        }
        if let Some(burst) = limits.burst {
            found.within("limits.burst", burst.into(), 1..=HTTP_PER_SECOND_CEILING.into());
        }
        let bodies = &self.bodies;
        found.within("bodies.request_bytes_max", bodies.request_bytes_max, 0..=HTTP_BODY_BYTES_CEILING);
        found.within("bodies.reply_bytes_max", bodies.reply_bytes_max, 0..=HTTP_BODY_BYTES_CEILING);
        let heads = HTTP_REPLY_HEAD_BYTES_FLOOR.into()..=HTTP_REPLY_HEAD_BYTES_CEILING.into();
        found.within("bodies.reply_head_bytes_max", bodies.reply_head_bytes_max.into(), heads);
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
        let (max, hosts) = match &self.redirects {
            Redirects::None {} => return,
            Redirects::SameOrigin { max } => (max, [].as_slice()),
            Redirects::Hosts { max, hosts } => (max, hosts.as_slice()),
        };
        found.within("redirects.max", (*max).into(), 1..=HTTP_HOPS_CEILING.into());
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
        if self.base_url.len() > HTTP_TARGET_BYTES_MAX / 2 {
            let value = format!("{} bytes long", self.base_url.len());
            found.0.push(Invalid::new("base_url", value, "at most 8192 bytes are allowed"));
        }
    }
}

struct Findings(Vec<Invalid>);

impl Findings {
    fn keep<T>(&mut self, parsed: Result<T, Invalid>) {
        self.0.extend(parsed.err());
    }

    fn within(&mut self, member: &str, value: u64, range: RangeInclusive<u64>) {
        if !range.contains(&value) {
            let allowed = format!("{} to {} are allowed", range.start(), range.end());
            self.0.push(Invalid::new(member, value, &allowed));
        }
    }

    fn text(&mut self, member: &str, value: &str, wrong: bool, allowed: &str) {
        if value.len() > HTTP_TEXT_BYTES_MAX {
            let value = format!("{} bytes long", value.len());
            self.0.push(Invalid::new(member, value, "at most 1024 bytes are allowed"));
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
        let breaker = Some(BreakerSettings { percent: 101, open_max_ms: 1, ..BreakerSettings::default() });
        assert_eq!(
            refused(&Settings { breaker, ..settings() }),
            "breaker.open_max_ms is 1: 5000 to 3600000 are allowed; breaker.percent is 101: 1 to 100 are allowed"
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

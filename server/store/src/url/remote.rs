//! The URL of a database server, which may hold a password: it is shown to nobody.
#![cfg_attr(
    not(any(feature = "postgres", feature = "mysql")),
    expect(dead_code, reason = "no client of a server is built in")
)]

use std::fmt;

use percent_encoding::percent_decode_str;

use crate::error::Error;

const HIDDEN: &str = "…";

/// As the client library takes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Remote(String);

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Remote {
    /// `scheme` as the client library knows it, `written` as it was written, before `:rest`.
    pub(crate) fn new(scheme: &str, written: &str, rest: &str) -> Result<Self, Error> {
        if rest.starts_with("//") && !rest.contains(char::is_control) {
            return Ok(Self(format!("{scheme}:{rest}")));
        }
        Err(Error::InvalidUrl { scheme: written.to_owned() })
    }

    /// The URL with its password.
    pub(crate) fn exposed(&self) -> &str {
        &self.0
    }

    /// With a parameter, unless it has one of that name.
    pub(crate) fn with_default(self, name: &str, value: &str) -> Self {
        if self.parameters().any(|(known, _)| known == name) {
            return self;
        }
        let separator = if self.0.contains('?') { '&' } else { '?' };
        Self(format!("{}{separator}{name}={value}", self.0))
    }

    pub(crate) fn database(&self) -> &str {
        let after = self.rest();
        let path = &after[..after.find(['?', '#']).unwrap_or(after.len())];
        path.split_once('/').map_or("", |(_, database)| database)
    }

    /// The server's name or address and its port, where the URL has them in its authority.
    pub(crate) fn host(&self) -> Option<(&str, Option<u16>)> {
        let authority = self.authority();
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let (host, port) = match address.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
        };
        (!host.is_empty()).then(|| (host, port.and_then(|port| port.parse().ok())))
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let query = self.0.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter_map(|pair| pair.split_once('='))
    }

    /// What a client library says of a connection, without what only its user may know.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        let mut text = text.replace(&self.0, HIDDEN);
        for secret in self.secrets() {
            let decoded = percent_decode_str(secret).decode_utf8_lossy();
            for secret in [secret, &decoded] {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let user = self.authority().rsplit_once('@').map_or("", |(user, _)| user);
        let password = user.split_once(':').map(|(_, password)| password);
        let named = self.parameters().filter(|(name, _)| matches!(*name, "password" | "sslpassword"));
        password.into_iter().chain(named.map(|(_, value)| value)).filter(|secret| !secret.is_empty())
    }

    fn authority(&self) -> &str {
        let after = self.rest();
        // A password that is not encoded as it should be may hold any of these.
        let end = after.rfind('@').map_or(0, |at| at + 1);
        let address = &after[end..];
        &after[..end + address.find(['/', '?', '#']).unwrap_or(address.len())]
    }

    fn rest(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Remote;

    fn remote(rest: &str) -> Remote {
        Remote::new("mysql", "mariadb", rest).unwrap()
    }

    #[test]
    fn parts_are_found() {
        let url = remote("//u:p%40ss@[::1]:4000/bus?ssl_mode=required");
        assert_eq!(url.host(), Some(("::1", Some(4000))));
        assert_eq!(url.database(), "bus");
        assert_eq!(url.clone().with_default("ssl_mode", "disabled"), url);
        assert!(url.with_default("x", "1").exposed().ends_with("?ssl_mode=required&x=1"));
        let url = remote("//db.example/bus");
        assert_eq!((url.host(), url.database()), (Some(("db.example", None)), "bus"));
        assert!(url.with_default("x", "1").exposed().ends_with("/bus?x=1"));
        assert_eq!(remote("///bus").host(), None);
        assert_eq!(remote("//h").database(), "");
    }

    #[test]
    fn no_password_is_shown() {
        for rest in
            ["//u:hu%73h@h/d", "//u:hush@h/d", "//u@h/d?password=hush", "//u:hush/@h/d", "//u:hush@[h/d"]
        {
            let url = remote(rest);
            let said = format!("failed for {} of {rest}", url.exposed());
            let shown = url.hide_in(&said);
            assert!(!shown.contains("hush") && !shown.contains("hu%73h"), "{shown}");
            assert!(!format!("{url:?}").contains("hush"));
        }
        assert_eq!(remote("//u:hu%73h@h/d").hide_in("no \"hush\""), "no \"…\"");
    }
}

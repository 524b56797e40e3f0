//! What a member needs in its `busbar.toml`, beside what a person has written there.

use std::net::SocketAddr;

use busbar_pki::Role;
use toml::Value;

use crate::settings::Settings;

/// What is to stand in the file, if nothing else does.
pub(crate) struct Wanted<'a> {
    pub(crate) role: Role,
    pub(crate) name: &'a str,
    pub(crate) address: Option<&'a str>,
    pub(crate) listen: Option<SocketAddr>,
    /// Of the admin process that was asked.
    pub(crate) admin_url: &'a str,
    pub(crate) odb_url: Option<&'a str>,
    pub(crate) amqp_url: Option<&'a str>,
}

impl Wanted<'_> {
    /// The text with it. What is `known` already stays.
    pub(crate) fn written(&self, text: &str, known: &Settings) -> String {
        let own = self.role == Role::Admin;
        // Where others reach an admin process is its own address.
        let own_url = || {
            let port = self.listen.map_or(known.admin.listen.port(), |listen| listen.port());
            let address = self.address.map_or_else(|| format!("{}:{port}", self.name), str::to_owned);
            format!("https://{address}")
        };
        let admin_url = if own { own_url() } else { self.admin_url.to_owned() };
        let listen = self.listen.map(|listen| listen.to_string());
        let of_server = |value: Option<String>| value.filter(|_| self.role == Role::Server);
        let mut text = text.to_owned();
        for (section, key, is_known, value) in [
            ("server", "name", known.server.name.is_some(), Some(self.name.to_owned())),
            ("server", "address", false, of_server(self.address.map(str::to_owned))),
            ("http", "listen", false, of_server(listen.clone())),
            ("odb", "url", known.odb.url.is_some(), self.odb_url.map(str::to_owned)),
            ("amqp", "url", known.amqp.url.is_some(), self.amqp_url.map(str::to_owned)),
            ("admin", "url", known.admin.url.is_some(), Some(admin_url)),
            ("admin", "listen", false, listen.filter(|_| own)),
        ] {
            if let Some(value) = value.filter(|_| !is_known) {
                text = with(&text, section, key, &value);
            }
        }
        text
    }
}

/// The text with a key, which is set if it is not there.
pub(crate) fn with(text: &str, section: &str, key: &str, value: &str) -> String {
    let known = text.parse::<toml::Table>().unwrap_or_default();
    let of_section = known.get(section).and_then(Value::as_table);
    if of_section.is_some_and(|of_section| of_section.contains_key(key)) {
        return text.to_owned();
    }
    let line = format!("{key} = {}\n", Value::String(value.to_owned()));
    let head = format!("[{section}]");
    let mut written = String::new();
    let mut is_there = false;
    for before in text.lines() {
        written.push_str(before);
        written.push('\n');
        if !is_there && before.split('#').next().is_some_and(|bare| bare.trim() == head) {
            written.push_str(&line);
            is_there = true;
        }
    }
    if !is_there {
        let gap = if written.is_empty() { "" } else { "\n" };
        written.push_str(&format!("{gap}{head}\n{line}"));
    }
    written
}

#[cfg(test)]
mod tests {
    use busbar_pki::Role;

    use super::{Wanted, with};
    use crate::settings::Settings;

    #[test]
    fn a_key_goes_into_its_section_and_replaces_nothing() {
        let text = with("", "odb", "url", "postgres://a");
        assert_eq!(text, "[odb]\nurl = \"postgres://a\"\n");
        assert_eq!(with(&text, "odb", "url", "other"), text);
        let text =
            with("# mine\n[server] # ours\nname = \"a\"\n\n[odb]\nurl = \"u\"", "server", "address", "a:1");
        assert_eq!(text, "# mine\n[server] # ours\naddress = \"a:1\"\nname = \"a\"\n\n[odb]\nurl = \"u\"\n");
        assert!(with(&text, "amqp", "url", "a\"b").ends_with("\n\n[amqp]\nurl = 'a\"b'\n"));
    }

    #[test]
    fn a_role_gets_what_it_needs() {
        let wanted = |role, odb_url| Wanted {
            role,
            name: "one",
            address: Some("one.example.org:9"),
            listen: None,
            admin_url: "https://admin:8183",
            odb_url,
            amqp_url: None,
        };
        let known = Settings::default();
        let text = wanted(Role::Server, Some("postgres://b@c/d")).written("", &known);
        for line in
            ["address = \"one.example.org:9\"", "url = \"postgres://b@c/d\"", "url = \"https://admin:8183\""]
        {
            assert!(text.contains(line), "{text}");
        }
        let text = wanted(Role::Admin, Some("postgres://b@c/d")).written("", &known);
        assert!(text.contains("url = \"https://one.example.org:9\"") && !text.contains("address"), "{text}");
        let text = wanted(Role::Balancer, None).written("", &known);
        assert!(!text.contains("[odb]") && text.contains("[admin]"), "{text}");
    }
}

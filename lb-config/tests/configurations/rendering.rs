//! What a state becomes, and what never gets into it.

use busbar_lb_config::{
    Address, BindSettings, BindTls, FilePath, Limits, ListenAddress, Name, Settings, SocketPath, State,
    Wanted, digest, parse, render, validate,
};
use proptest::prelude::*;

use crate::strategies::{path, states, tls_hop, two, with};

fn line<'a>(text: &'a str, begin: &str) -> &'a str {
    text.lines()
        .map(str::trim)
        .find(|line| line.starts_with(begin))
        .unwrap_or_else(|| panic!("no {begin} in:\n{text}"))
}

#[test]
fn a_default_state_has_what_lossless_reloads_and_retries_need() {
    let text = render(&two());
    for part in [
        "# Made by busbar lb-agent from version 7 of the definitions.\n",
        "    master-worker\n",
        "    hard-stop-after 5m\n",
        "    option idle-close-on-response ",
        "    option redispatch 1 ",
        "    option http-restrict-req-hdr-names reject\n",
        "    retry-on conn-failure empty-response 0rtt-rejected\n",
        "    http-request del-header X-Busbar- -m beg\n",
        "    http-request del-header X-Forwarded- -m beg\n",
        "    http-request del-header Forwarded\n",
        "    http-check send meth GET uri /_busbar/ready ver HTTP/1.1 hdr Host busbar\n",
        "    bind *:11223\n",
        "    server a 10.0.0.1:17010 check weight 100\n",
        "    balance roundrobin\n",
        "application/problem+json",
        " hdr Retry-After 2 ",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(!text.contains("observe layer7") && !text.contains("X-Busbar-Tls"), "{text}");
}

#[test]
fn identity_is_said_only_of_certificates_that_were_checked() {
    let text = render(&with(|_, settings| {
        let tls =
            BindTls { certificate: path("/e/site.pem"), client_ca: Some(path("/e/ca.pem")), http2: true };
        settings
            .front_end
            .push(BindSettings { address: ListenAddress::new("*:443").unwrap(), tls: Some(tls) });
    }));
    let bind = "bind *:443 ssl crt /e/site.pem alpn h2,http/1.1 ca-file /e/ca.pem verify optional crt-ignore-err all";
    assert_eq!(line(&text, "bind *:443"), bind);
    for header in ["X-Busbar-Tls-Subject", "X-Busbar-Tls-Sha256"] {
        let set = line(&text, &format!("http-request set-header {header}"));
        assert!(set.ends_with("if { ssl_fc } { ssl_c_used } { ssl_c_verify 0 }"), "{set}");
        assert!(text.find("del-header X-Busbar-") < text.find(set), "stripped before it is set");
    }
}

#[test]
fn servers_are_spoken_to_as_their_address_and_state_ask() {
    let text = render(&with(|servers, settings| {
        settings.hop = tls_hop();
        servers[0].wanted = Wanted::Drain;
        servers[1].wanted = Wanted::Maintenance;
        servers.push(crate::strategies::server("c", "/run/busbar/c.sock"));
        servers.push(crate::strategies::server("d", "[2001:db8::4]:17010"));
    }));
    let tls = |name: &str| {
        format!(
            "ssl verify required ca-file /etc/busbar/ca.pem verifyhost {name} crt /etc/busbar/balancer.pem sni str({name}) \
             check-ssl check-sni {name} alpn http/1.1"
        )
    };
    assert_eq!(
        line(&text, "server a"),
        format!("server a 10.0.0.1:17010 check {} weight 0 # draining; its weight is 100", tls("a"))
    );
    assert_eq!(
        line(&text, "server b"),
        format!("server b 10.0.0.2:17010 check {} weight 100 disabled # in maintenance", tls("b"))
    );
    assert_eq!(line(&text, "server c"), "server c unix@/run/busbar/c.sock check weight 100");
    assert_eq!(
        line(&text, "server d"),
        format!("server d [2001:db8::4]:17010 check {} weight 100", tls("d"))
    );
}

#[test]
fn texts_that_could_leave_their_word_are_refused() {
    for bad in
        ["", "a b", "a\nb", "a#b", "a\"b", "a;b", "-a", "a/b", "BACKEND", "FRONTEND", "ä", &"a".repeat(65)]
    {
        assert!(Name::new(bad).is_err(), "{bad:?}");
    }
    for bad in [
        "",
        "/",
        "a.pem",
        "/a b",
        "/a\n",
        "/a'b",
        "/a\\b",
        "/a#b",
        "/a/../b",
        "/a$b",
        "/a,b",
        &"/a".repeat(513),
    ] {
        assert!(FilePath::new(bad).is_err(), "{bad:?}");
    }
    assert!(SocketPath::new(&format!("/{}", "a".repeat(89))).is_ok());
    assert!(SocketPath::new(&format!("/{}", "a".repeat(90))).is_err());
    for bad in [
        "10.0.0.1",
        "10.0.0.1:",
        "10.0.0.1:0",
        "10.0.0.1:65536",
        "10.0.0.1:+80",
        "10.0.0.1:80-90",
        "300.0.0.1:80",
        "::1:80",
        "[10.0.0.1]:80",
        "[::1:80",
        "a b:80",
        "a\n:80",
        "-a:80",
        "a..b:80",
        ":80",
        "abns@x:80",
        "unix@/x",
        "*:80",
        "[b.example.org]:80",
    ] {
        let error = Address::new(bad).unwrap_err().to_string();
        assert!(error.contains("is allowed"), "{bad:?}: {error}");
    }
    for bad in ["*", "*:0", "b.example.org:80", ":80", "[*]:80", "fd@3", "/x y"] {
        assert!(ListenAddress::new(bad).is_err(), "{bad:?}");
    }
    for good in ["10.0.0.1:80", "[::1]:80", "b-1.example.org:80", "/run/x.sock"] {
        assert_eq!(Address::new(good).unwrap().to_string(), good);
    }
}

#[test]
fn what_people_write_is_refused_with_what_is_allowed() {
    let state = |settings: &str| {
        let servers = r#"[{"name":"a","address":"10.0.0.1:1"}]"#;
        serde_json::from_str::<State>(&format!(
            r#"{{"version":1,"servers":{servers},"settings":{settings}}}"#
        ))
    };
    state("{}").unwrap();
    for (settings, reason) in [
        (r#"{"retires":1}"#, "unknown field `retires`, expected one of"),
        (r#"{"retries":11}"#, "11 is out of range: 0 to 10 are allowed"),
        (r#"{"algorithm":"fastest"}"#, "unknown variant `fastest`, expected one of `roundrobin`"),
        (r#"{"front_end":[]}"#, "front_end needs one at least"),
        (r#"{"front_end":[{"address":"*:80"},{"address":"*:80"}]}"#, "two front ends listen at *:80"),
        (r#"{"front_end":[{"address":"*:80\n    bind :81"}]}"#, "address:port with '*'"),
        (r#"{"log":"nowhere"}"#, "host:port"),
        (
            r#"{"health":{"fast_interval_ms":2000}}"#,
            "health.fast_interval_ms is 2000 ms, more than interval_ms",
        ),
        (r#"{"stats_socket":"run/x"}"#, "an absolute path of 90 bytes"),
    ] {
        let error = state(settings).unwrap_err().to_string();
        assert!(error.contains(reason), "{settings}: {error}");
    }
    let same = |second: &str| {
        let servers = format!(r#"[{{"name":"a","address":"10.0.0.1:1"}},{second}]"#);
        serde_json::from_str::<State>(&format!(r#"{{"version":1,"servers":{servers}}}"#))
            .unwrap_err()
            .to_string()
    };
    assert!(same(r#"{"name":"A","address":"10.0.0.2:1"}"#).contains("two servers are named A"));
    assert!(
        same(r#"{"name":"b","address":"10.0.0.1:1"}"#).contains("two servers have the address 10.0.0.1:1")
    );
    assert!(same(r#"{"name":"b","address":"10.0.0.2:1","weight":257}"#).contains("0 to 256 are allowed"));
    assert!(
        same(r#"{"name":"b","address":"10.0.0.2:1","wanted":"gone"}"#)
            .contains("`ready`, `drain`, `maintenance`")
    );
}

#[test]
fn a_hop_of_tls_needs_names_that_certificates_can_have() {
    let servers = vec![crate::strategies::server("a_1", "10.0.0.1:1")];
    let settings = Settings { hop: tls_hop(), ..Settings::default() };
    let error = State::new(1, servers, settings).unwrap_err().to_string();
    assert!(error.contains("a_1 needs a server_name"), "{error}");
}

proptest! {
    #[test]
    fn a_rendered_state_is_deterministic_round_trips_and_has_nothing_to_find(state in states()) {
        let text = render(&state);
        prop_assert_eq!(&text, &render(&state));
        let document = parse(&text).unwrap();
        prop_assert_eq!(parse(&document.to_string()).unwrap(), document.clone());
        let json = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(digest(&render(&serde_json::from_str(&json).unwrap())), digest(&text));

        let backend = document.of_kind("backend").next().unwrap();
        let servers = backend.statements().filter(|directive| directive.keyword() == "server").count();
        prop_assert_eq!(servers, state.servers().len());
        prop_assert_eq!(document.sections.len(), 4);
        // The agent gives the socket; without servers there is none to find.
        let findings = validate(&document, &Limits { descriptors: Some(20_000) });
        let others = findings.iter().filter(|finding| {
            !finding.message.contains("stats socket") && !finding.message.contains("there is no server")
        });
        prop_assert_eq!(others.count(), 0, "{:?}", findings);
    }

    /// No text of any kind becomes more than one word of its line.
    #[test]
    fn what_is_taken_is_one_word(text in any::<String>()) {
        let tokens = [
            Name::new(&text).map(|name| name.to_string()),
            FilePath::new(&text).map(|path| path.to_string()),
            Address::new(&text).map(|address| address.to_string()),
            ListenAddress::new(&text).map(|address| address.to_string()),
        ];
        for token in tokens.into_iter().flatten() {
            let document = parse(&format!("global\n  a {token} b")).unwrap();
            prop_assert_eq!(document.sections[0].directives[0].texts(), vec!["a".to_owned(), token, "b".to_owned()]);
        }
    }
}

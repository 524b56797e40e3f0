//! Differences, and the commands that need no reload.

use busbar_lb_config::{Bounded, Diff, State, Wanted, diff, parse, render};
use proptest::prelude::*;

use crate::strategies::{server, states, tls_hop, two, with};

fn between(old: &State, new: &State) -> Diff {
    diff(&parse(&render(old)).unwrap(), &parse(&render(new)).unwrap())
}

fn commands(old: &State, new: &State) -> Option<Vec<String>> {
    Some(between(old, new).runtime()?.iter().map(ToString::to_string).collect())
}

const SHARED: &str =
    "inter 1s fastinter 300ms fall 2 rise 1 observe layer4 error-limit 10 on-error mark-down slowstart 5s";

#[test]
fn weights_and_states_are_set_while_it_runs() {
    let weights = with(|servers, _| servers[0].weight = Bounded::nearest(10));
    assert_eq!(commands(&two(), &weights).unwrap(), ["set server servers/a weight 10"]);
    let drained = with(|servers, _| servers[1].wanted = Wanted::Drain);
    assert_eq!(commands(&two(), &drained).unwrap(), ["set server servers/b weight 0"]);
    assert_eq!(commands(&drained, &two()).unwrap(), ["set server servers/b weight 100"]);
    let maintained = with(|servers, _| servers[1].wanted = Wanted::Maintenance);
    assert_eq!(commands(&two(), &maintained).unwrap(), ["set server servers/b state maint"]);
    assert_eq!(commands(&maintained, &two()).unwrap(), ["set server servers/b state ready"]);
    assert_eq!(
        commands(&drained, &maintained).unwrap(),
        ["set server servers/b weight 100", "set server servers/b state maint"]
    );
}

#[test]
fn servers_come_with_all_their_parameters_before_others_go() {
    let other = with(|servers, _| servers[1] = server("c", "[::1]:3"));
    assert_eq!(
        commands(&two(), &other).unwrap(),
        [
            &format!("add server servers/c [::1]:3 {SHARED} check weight 100"),
            "enable health servers/c",
            "set server servers/c state ready",
            "set server servers/b state maint",
            "del server servers/b",
        ]
    );
    let hop = |more: bool| {
        with(|servers, settings| {
            settings.hop = tls_hop();
            servers.extend(more.then(|| server("c", "10.0.0.3:1")));
        })
    };
    let tls = "ssl verify required ca-file /etc/busbar/ca.pem verifyhost c crt /etc/busbar/balancer.pem sni str(c) check-ssl \
               check-sni c alpn http/1.1";
    assert_eq!(
        commands(&hop(false), &hop(true)).unwrap()[0],
        format!("add server servers/c 10.0.0.3:1 {SHARED} check {tls} weight 100")
    );
}

#[test]
fn one_that_is_added_in_maintenance_stays_there() {
    let more = with(|servers, _| {
        let mut added = server("c", "/run/c.sock");
        added.wanted = Wanted::Maintenance;
        servers.push(added);
    });
    let commands = commands(&two(), &more).unwrap();
    assert!(commands[0].starts_with("add server servers/c unix@/run/c.sock "), "{commands:?}");
    assert_eq!(commands[1..], ["enable health servers/c"]);
}

#[test]
fn the_rest_takes_a_reload() {
    let reloads = [
        with(|_, settings| settings.retries = Bounded::nearest(1)),
        with(|servers, _| servers[0] = server("a", "10.0.0.9:1")),
        with(|servers, _| servers.reverse()),
        // A name is resolved at a start only.
        with(|servers, _| servers.push(server("c", "c.example.org:1"))),
        with(|_, settings| settings.hop = tls_hop()),
    ];
    for state in reloads {
        assert_eq!(commands(&two(), &state), None, "{}", render(&state));
    }
    let text = |balance: &str, more: &str| {
        parse(&format!("backend b\n  balance {balance}\n  server a 10.0.0.1:1\n{more}")).unwrap()
    };
    for (balance, more, at_run_time) in [
        ("roundrobin", "  server b 10.0.0.2:1", true),
        ("static-rr", "  server b 10.0.0.2:1", false),
        ("source", "  server b 10.0.0.2:1", false),
        ("roundrobin", "  server b 10.0.0.2:1 resolvers r", false),
        ("roundrobin", "  server b 10.0.0.2:1 crt \"/a b;c\"", false),
        ("roundrobin", "  server \"b;shutdown\" 10.0.0.2:1", false),
    ] {
        let found = diff(&text(balance, ""), &text(balance, more));
        assert_eq!(found.runtime().is_some(), at_run_time, "{balance} {more}: {found}");
    }
}

#[test]
fn comments_quotes_and_spaces_are_no_difference() {
    let one = parse("# x\nglobal\n  maxconn 5 # y\nbackend b\n server a 1.2.3.4:5 weight 1 # z\n").unwrap();
    let two = parse("global\n\n\tmaxconn \"5\"\nbackend b\n    server   'a' 1.2.3.4:5\n").unwrap();
    assert_eq!(diff(&one, &two), Diff::default());
}

#[test]
fn a_difference_reads_as_one() {
    let other = with(|servers, settings| {
        settings.retries = Bounded::nearest(1);
        servers[0].weight = Bounded::nearest(1);
        servers.pop();
    });
    let found = between(&two(), &other);
    assert_eq!(
        found.to_string(),
        "[backend servers]\n- server b 10.0.0.2:17010 weight 100 check\n[backend servers]\n- server a 10.0.0.1:17010 \
         weight 100 check\n+ server a 10.0.0.1:17010 weight 1 check\n[defaults]\n- retries 3\n+ retries 1\n"
    );
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Diff>(&json).unwrap(), found);
}

#[test]
fn order_has_a_meaning() {
    let text = |first: &str, second: &str| parse(&format!("frontend f\n  {first}\n  {second}\n")).unwrap();
    let found = diff(
        &text("http-request deny", "http-request allow"),
        &text("http-request allow", "http-request deny"),
    );
    assert!(found.sections[0].reordered, "{found:?}");
    assert_eq!(found.runtime(), None);
}

proptest! {
    #[test]
    fn a_difference_is_empty_exactly_where_configurations_are_the_same(one in states(), two in states()) {
        prop_assert!(between(&one, &one).is_empty());
        // What a weight is while draining, and the version, stand in comments only.
        let said = |state: &State| {
            let text = render(state);
            text.lines().map(|line| line.split(" #").next().unwrap().to_owned()).skip(1).collect::<Vec<_>>()
        };
        let other = State::new(0, one.servers().to_vec(), two.settings().clone()).unwrap();
        prop_assert_eq!(between(&one, &other).is_empty(), said(&one) == said(&other));
        let other = State::new(0, two.servers().to_vec(), one.settings().clone()).unwrap();
        prop_assert_eq!(between(&one, &other).is_empty(), said(&one) == said(&other));
        // Nothing at all is no work.
        prop_assert_eq!(between(&one, &one).runtime(), Some(Vec::new()));
    }
}

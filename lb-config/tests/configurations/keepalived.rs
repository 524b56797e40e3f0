//! One address for several balancers.

use busbar_lb_config::keepalived::{Check, Command, Vrrp, render};

fn draft(more: &str) -> Result<Vrrp, String> {
    let text = format!(
        r#"{{"instance":"busbar","interface":"eth0","router_id":51,"priority":100,"check":{{"command":"/usr/bin/curl -sf http://127.0.0.1:11223/_busbar/ping"}}{more}}}"#
    );
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

#[test]
fn a_group_is_written_as_keepalived_reads_it() {
    let vrrp = draft(
        r#","addresses":["192.0.2.10/24"],"source":"192.0.2.1","peers":["192.0.2.2"],"advertise_ms":250"#,
    );
    assert_eq!(
        render(&vrrp.unwrap()),
        "# Made by busbar. One of these per balancer, with priorities of their own.
global_defs {
    vrrp_version 3
    enable_script_security
    script_user root
}

vrrp_script busbar_haproxy {
    script \"/usr/bin/curl -sf http://127.0.0.1:11223/_busbar/ping\"
    interval 1
    timeout 1
    fall 2
    rise 1
    init_fail
}

vrrp_instance busbar {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 0.25
    unicast_src_ip 192.0.2.1
    unicast_peer {
        192.0.2.2
    }
    virtual_ipaddress {
        192.0.2.10/24
    }
    track_script {
        busbar_haproxy
    }
}
"
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (more, reason) in [
        (r#","addresses":[]"#, "addresses is empty"),
        (r#","addresses":["192.0.2.10"]"#, "with its prefix"),
        (r#","addresses":["192.0.2.10/33"]"#, "with its prefix"),
        (r#","addresses":["192.0.2.10/24 dev eth1"]"#, "with its prefix"),
        (r#","addresses":["192.0.2.10/24","192.0.2.10/24"]"#, "is there twice"),
        (r#","addresses":["192.0.2.10/24","2001:db8::1/64"]"#, "of one kind"),
        (r#","addresses":["192.0.2.10/24"],"peers":["192.0.2.2"]"#, "go together"),
        (
            r#","addresses":["192.0.2.10/24"],"peers":["192.0.2.1","192.0.2.2"],"source":"192.0.2.1""#,
            "192.0.2.1 is among the peers",
        ),
        (r#","addresses":["192.0.2.10/24"],"peers":["::1"],"source":"::2""#, "kind"),
        (r#","addresses":["192.0.2.10/24"],"advertise_ms":50"#, "100 to 10000 are allowed"),
        (r#","addresses":["192.0.2.10/24"],"auth":"x""#, "unknown field"),
    ] {
        let error = draft(more).unwrap_err();
        assert!(error.contains(reason), "{more}: {error}");
    }
    for bad in ["curl x", "/bin/x \"a\"", "/bin/x\nnotify /bin/y", "/bin/x;y", "/bin/x $y", "/bin/x }"] {
        assert!(Command::new(bad).is_err(), "{bad}");
    }
    let text = render(&draft(r#","addresses":["192.0.2.10/24"]"#).unwrap());
    assert!(text.contains("    advert_int 0.50\n") && !text.contains("unicast"), "{text}");
    assert_eq!(Check::new(Command::new("/bin/x").unwrap()).fall.get(), 2);
}

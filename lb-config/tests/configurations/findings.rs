//! What `haproxy -c` lets pass.

use busbar_lb_config::{Limits, Severity, parse, render, validate};

use crate::strategies::two;

const FINE: &str = "global
    master-worker
    stats socket /run/s level admin expose-fd listeners
    maxconn 400
defaults
    mode http
    option idle-close-on-response
    option redispatch 1
    option http-restrict-req-hdr-names reject
frontend f
    bind :80
backend b
    http-check connect sni busbar
    retry-on conn-failure
    default-server observe layer4
    server a 10.0.0.1:1 check
    server b 10.0.0.2:1 check
";

fn found(text: &str) -> Vec<(Severity, usize, String)> {
    let findings = validate(&parse(text).unwrap(), &Limits { descriptors: Some(1_024) });
    findings.into_iter().map(|finding| (finding.severity, finding.line, finding.message)).collect()
}

#[test]
fn a_good_file_has_no_findings() {
    assert_eq!(found(FINE), []);
}

#[test]
fn each_trap_is_found_where_it_is() {
    use Severity::{Error, Warning};
    for (from, to, severity, line, message) in [
        ("    master-worker\n", "", Warning, 1, "master-worker is missing"),
        (" expose-fd listeners", "", Warning, 1, "expose-fd listeners"),
        (" level admin", "", Error, 1, "level admin"),
        (
            "maxconn 400",
            "maxconn 500",
            Error,
            4,
            "maxconn 500 needs 1064 descriptors, and a process here may have 1024: 480",
        ),
        ("    option idle-close-on-response\n", "", Warning, 9, "cuts idle keep-alive"),
        ("    option redispatch 1\n", "", Warning, 11, "a retry goes to the server that failed"),
        ("    option http-restrict-req-hdr-names reject\n", "", Warning, 9, "may pass for one with '-'"),
        ("conn-failure", "conn-failure 503", Warning, 14, "retry-on 503"),
        ("conn-failure", "all-retryable-errors", Warning, 14, "retry-on 503"),
        ("layer4", "layer7", Warning, 15, "observe layer7"),
        ("sni busbar", "sni str(busbar)", Error, 13, "fails every one"),
        ("server b", "server a", Error, 17, "two servers are named a"),
        ("10.0.0.2:1", "10.0.0.1:1", Warning, 17, "two servers have the address"),
        ("server b 10.0.0.2:1 check", "server b", Error, 17, "a server needs a name and an address"),
        ("global\n", "globl\nglobal\n", Error, 1, "\"globl\" begins no section: global, defaults"),
        ("backend b", "backnd b", Warning, 12, "\"backnd\" stands where sections do"),
        (
            "backend b",
            "backend b\n    server x 10.1.1.1:1\nbackend b",
            Error,
            14,
            "there are two sections backend b",
        ),
    ] {
        let findings = found(&FINE.replacen(from, to, 1));
        assert!(
            findings.iter().any(|found| found.0 == severity && found.1 == line && found.2.contains(message)),
            "{to:?}: {message}: {findings:?}"
        );
    }
    let without: String =
        FINE.lines().filter(|line| !line.contains(" server ")).map(|line| format!("{line}\n")).collect();
    assert!(
        found(&without).iter().any(|found| found.2.contains("there is no server")),
        "{:?}",
        found(&without)
    );
}

#[test]
fn named_defaults_are_those_that_count() {
    let text = FINE.replace("frontend f", "defaults bare\n    mode http\nfrontend f from bare");
    assert!(found(&text).iter().any(|found| found.2.contains("cuts idle keep-alive")), "{:?}", found(&text));
}

#[test]
fn the_files_that_it_reads_are_known() {
    let text = "frontend f\n  bind :443 ssl crt /e/site.pem ca-file /e/ca.pem\nbackend b\n  server a 1.2.3.4:1 ca-file /e/ca.pem\n";
    assert_eq!(parse(text).unwrap().files(), ["/e/ca.pem", "/e/site.pem"]);
    assert!(parse(&render(&two())).unwrap().files().is_empty());
}

//! From a state to the file that HAProxy reads: the same state gives the same text, byte for byte.

use std::fmt::Write;

use crate::{
    own::{OwnLines, Place},
    parameters::{own, shared, time},
    settings::{Algorithm, BindSettings, LogTarget, Settings},
    state::{State, Wanted},
    word::Word,
};

/// The section that clients come in by.
pub const FRONTEND: &str = "busbar";
/// The section that has the servers.
pub const BACKEND: &str = "servers";

/// Without own lines.
pub fn render(state: &State) -> String {
    render_with(state, &OwnLines::default())
}

/// With the lines of an administrator in their places.
pub fn render_with(state: &State, lines: &OwnLines) -> String {
    let parts = [
        header(state),
        global(state.settings()) + &lines.marked(Place::Global),
        defaults(state.settings()),
        frontend(state.settings()) + &lines.marked(Place::Frontend),
        backend(state) + &lines.marked(Place::Backend),
        lines.marked(Place::Sections),
    ];
    parts.join("\n")
}

fn header(state: &State) -> String {
    format!(
        "# Made by busbar lb-agent from version {} of the definitions.\n# Lines between BEGIN and END are yours: they are kept. \
         A change elsewhere is reported as drift.\n",
        state.version()
    )
}

fn section(head: &str, lines: Vec<String>) -> String {
    lines.into_iter().fold(format!("{head}\n"), |text, line| text + "    " + &line + "\n")
}

fn global(settings: &Settings) -> String {
    let mut lines = vec!["master-worker".to_owned()];
    if let Some(socket) = &settings.stats_socket {
        lines.push(format!("stats socket {socket} mode 600 level admin expose-fd listeners"));
    }
    lines.push(format!("hard-stop-after {}", time(settings.stop_after_ms.get())));
    lines.push(format!("maxconn {}", settings.connections_max));
    if let Some(threads) = settings.threads {
        lines.push(format!("nbthread {threads}"));
    }
    lines.push(format!(
        "tune.bufsize {} # a request must fit one buffer to be retried",
        settings.buffer_bytes
    ));
    lines.push("ssl-default-bind-options ssl-min-ver TLSv1.2".to_owned());
    lines.push("ssl-default-server-options ssl-min-ver TLSv1.2".to_owned());
    match &settings.log {
        None => {}
        Some(LogTarget::Stdout) => lines.push("log stdout format raw local0".to_owned()),
        Some(LogTarget::Address(address)) => {
            let address = address.to_string();
            lines.push(format!("log {address} local0"));
        }
    }
    section("global", lines)
}

fn defaults(settings: &Settings) -> String {
    let timeouts = &settings.timeouts;
    let mut lines: Vec<String> = [
        "mode http",
        "option http-keep-alive",
        "option idle-close-on-response # a reload never cuts an idle keep-alive client",
        "option redispatch 1 # every retry goes to another server",
        "option http-restrict-req-hdr-names reject",
    ]
    .map(str::to_owned)
    .to_vec();
    if settings.log.is_some() {
        lines.extend(["log global", "option httplog", "option dontlognull"].map(str::to_owned));
    }
    lines.push(format!("retries {}", settings.retries));
    let times = [
        ("http-request", timeouts.request_ms),
        ("http-keep-alive", timeouts.keep_alive_ms),
        ("connect", timeouts.connect_ms),
        ("client", timeouts.client_ms),
        ("server", timeouts.server_ms),
        ("queue", timeouts.queue_ms),
    ];
    lines.extend(times.map(|(name, ms)| format!("timeout {name} {}", time(ms.get()))));
    lines.push(format!("timeout check {}", time(settings.health.timeout_ms.get())));
    lines.push("unique-id-format %[uuid()]".to_owned());
    lines.extend(PROBLEMS.iter().map(problem));
    section("defaults", lines)
}

/// What HAProxy answers by itself: status, code, title, detail, and seconds until it is worth another try.
struct Problem(u16, &'static str, &'static str, &'static str, Option<u8>);

const PROBLEMS: &[Problem] = &[
    Problem(400, "bad-request", "Bad Request", "the request is not HTTP as the balancer takes it", None),
    Problem(
        403,
        "forbidden",
        "Forbidden",
        "a header's name has other characters than letters, digits and '-'",
        None,
    ),
    Problem(408, "timeout", "Request Timeout", "the request did not come in whole in time", None),
    Problem(500, "internal", "Internal Server Error", "the balancer failed", None),
    Problem(502, "bad-gateway", "Bad Gateway", "a server's answer broke off or is not HTTP", None),
    Problem(503, "no-server", "Service Unavailable", "no server is ready to take the request", Some(2)),
    Problem(504, "timeout", "Gateway Timeout", "a server did not answer in time", None),
];

/// RFC 9457, as the servers answer.
fn problem(Problem(status, code, title, detail, retry): &Problem) -> String {
    let body = format!(
        "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status},\"detail\":\"{detail}\",\"code\":\"{code}\",\
         \"correlation_id\":\"%ID\",\"errors\":[]}}"
    );
    let mut line = format!(
        "http-error status {status} content-type application/problem+json lf-string {}",
        Word::new(&body)
    );
    if let Some(seconds) = retry {
        let _ = write!(line, " hdr Retry-After {seconds}");
    }
    line + " hdr X-Correlation-ID %ID hdr Cache-Control no-store"
}

fn frontend(settings: &Settings) -> String {
    let mut lines: Vec<String> = settings.front_end.iter().map(bind).collect();
    lines.extend(
        [
            "# What only the balancer may say is taken from clients, then said.",
            "http-request del-header X-Busbar- -m beg",
            "http-request del-header X-Forwarded- -m beg",
            "http-request del-header Forwarded",
            "http-request set-header X-Forwarded-For %[src]",
            "http-request set-header X-Forwarded-Host %[req.hdr(host)] if { req.hdr(host) -m found }",
            "http-request set-header X-Forwarded-Proto https if { ssl_fc }",
            "http-request set-header X-Forwarded-Proto http unless { ssl_fc }",
        ]
        .map(str::to_owned),
    );
    let clients_show =
        settings.front_end.iter().any(|bind| bind.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()));
    if clients_show {
        const SHOWN: &str = "if { ssl_fc } { ssl_c_used } { ssl_c_verify 0 }";
        lines.push(format!("http-request set-header X-Busbar-Tls-Subject %{{+Q}}[ssl_c_s_dn] {SHOWN}"));
        lines.push(format!("http-request set-header X-Busbar-Tls-Sha256 %[ssl_c_der,sha2(256),hex] {SHOWN}"));
    }
    lines.push(format!("default_backend {BACKEND}"));
    section(&format!("frontend {FRONTEND}"), lines)
}

fn bind(bind: &BindSettings) -> String {
    let mut line = format!("bind {}", bind.address.haproxy());
    if matches!(bind.address.bind(), crate::address::Bind::Unix(_)) {
        line += " mode 660";
    }
    if let Some(tls) = &bind.tls {
        let alpn = if tls.http2 { "h2,http/1.1" } else { "http/1.1" };
        let _ = write!(line, " ssl crt {} alpn {alpn}", tls.certificate);
        if let Some(ca) = &tls.client_ca {
            // A certificate that is not good lets its client in as one that showed none.
            let _ = write!(line, " ca-file {ca} verify optional crt-ignore-err all");
        }
    }
    line
}

fn backend(state: &State) -> String {
    let settings = state.settings();
    let balance: &[&str] = match settings.algorithm {
        Algorithm::Roundrobin => &["balance roundrobin"],
        Algorithm::Leastconn => &["balance leastconn"],
        Algorithm::First => &["balance first"],
        Algorithm::Random => &["balance random"],
        Algorithm::Source => &["balance source", "hash-type consistent"],
    };
    let mut lines: Vec<String> = balance.iter().map(|line| (*line).to_owned()).collect();
    lines.extend(
        [
            "http-reuse safe",
            "# An answer of 503 is a service's own, and is never tried again.",
            "retry-on conn-failure empty-response 0rtt-rejected",
            "http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE } || { req.hdr(Idempotency-Key) -m found }",
            "option httpchk",
            "http-check send meth GET uri /_busbar/ready ver HTTP/1.1 hdr Host busbar",
            "http-check expect status 200",
        ]
        .map(str::to_owned),
    );
    lines.push(format!("default-server {}", shared(settings)));
    for server in state.servers() {
        let mut line =
            format!("server {} {} {}", server.name, server.address.haproxy(), own(server, settings));
        match server.wanted {
            Wanted::Ready => {}
            Wanted::Drain => {
                let _ = write!(line, " # draining; its weight is {}", server.weight);
            }
            Wanted::Maintenance => line += " # in maintenance",
        }
        lines.push(line);
    }
    section(&format!("backend {BACKEND}"), lines)
}

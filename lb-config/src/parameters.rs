//! The words of a `server` line: those that all servers share, and each one's own.

use crate::{
    address::Address,
    settings::Settings,
    state::{Server, Wanted},
};

/// Of `default-server`.
pub(crate) fn shared(settings: &Settings) -> String {
    let health = &settings.health;
    let slow_start = match settings.slow_start_ms.get() {
        0 => String::new(),
        ms => format!(" slowstart {}", time(ms)),
    };
    // Layer 7 is not observed: a faulty service would take its server down.
    format!(
        "inter {} fastinter {} fall {} rise {} observe layer4 error-limit {} on-error mark-down{slow_start} init-addr \
         last,libc,none",
        time(health.interval_ms.get()),
        time(health.fast_interval_ms.get()),
        health.fall,
        health.rise,
        health.error_limit,
    )
}

/// Of one server, after `server NAME ADDRESS`. A weight of 0 is how HAProxy's file says draining.
pub(crate) fn own(server: &Server, settings: &Settings) -> String {
    let weight = if server.wanted == Wanted::Drain { 0 } else { server.weight.get() };
    let disabled = if server.wanted == Wanted::Maintenance { " disabled" } else { "" };
    format!("check{} weight {weight}{disabled}", tls(server, settings))
}

fn tls(server: &Server, settings: &Settings) -> String {
    let (Some(hop), Address::Tcp { .. }, Some(name)) =
        (&settings.hop.tls, &server.address, server.tls_name())
    else {
        return String::new();
    };
    let (ca, certificate) = (&hop.ca, &hop.certificate);
    format!(
        " ssl verify required ca-file {ca} verifyhost {name} crt {certificate} sni str({name}) check-ssl check-sni {name} \
         alpn http/1.1"
    )
}

/// In the largest unit that keeps it exact.
pub(crate) fn time(ms: u64) -> String {
    if ms.is_multiple_of(60_000) {
        format!("{}m", ms / 60_000)
    } else if ms.is_multiple_of(1_000) {
        format!("{}s", ms / 1_000)
    } else {
        format!("{ms}ms")
    }
}

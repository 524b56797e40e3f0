//! From a connection's definition to where its broker is and how to come in.

use std::time::Duration;

use busbar_amqp::{Endpoint, Identity, Tls};
use busbar_model::{
    bounds,
    connection::{Amqp, amqp},
};

/// `name` is what the broker's own tools call it.
pub(crate) fn of(amqp: Amqp<String>, name: &str) -> Endpoint {
    let amqp::Amqp { host, port, vhost, username, password, tls, heartbeat_s, publishers, in_flight_max } =
        amqp;
    let tls = tls.map(|tls| Tls {
        server_name: tls.server_name.unwrap_or_else(|| host.clone()),
        ca_pem: tls.ca,
        identity: tls
            .identity
            .map(|identity| Identity { certificate_pem: identity.certificate, key_pem: identity.key }),
    });
    Endpoint {
        tls,
        heartbeat: Duration::from_secs(heartbeat_s.into()),
        name: name.to_owned(),
        publishers: publishers.into(),
        in_flight_max: in_flight_max.into(),
        body_bytes_max: usize::try_from(bounds::DELIVERY_BYTES_MAX).unwrap_or(usize::MAX),
        ..Endpoint::new(&host, port, &vhost, &username, &password)
    }
}

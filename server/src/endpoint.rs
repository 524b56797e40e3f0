//! From a connection's definition to where its broker is and how to come in.

use std::{sync::Arc, time::Duration};

use busbar_admin::Ping;
use busbar_amqp::{Endpoint, Identity, Tls};
use busbar_model::{
    Connection, bounds,
    connection::{Amqp, Client, amqp},
};
use busbar_store::MasterKey;

/// Whether the broker of a connection lets this process in.
pub(crate) fn pinger(key: Arc<MasterKey>) -> Ping {
    Arc::new(move |connection: Connection| {
        let opened = key.open_connection(&connection).map_err(|error| error.to_string());
        let client = opened.map(|client| client.map(|_, secret| secret.reveal().to_owned()));
        Box::pin(async move {
            match client? {
                Client::Amqp(amqp) => {
                    let endpoint = of(amqp, "busbar admin ping");
                    busbar_amqp::ping(&endpoint).await.map_err(|reason| reason.to_string())
                }
                other @ (Client::Http(_) | Client::Soap(_) | Client::Sql(_)) => {
                    Err(format!("a connection of kind {} can't be tried yet", other.kind()))
                }
            }
        })
    })
}

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

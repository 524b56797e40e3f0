//! From a connection's definition to a client for HTTP.

use busbar_egress::{Connection, Outside, Secret, Secrets};
use busbar_model::connection::Http;

pub(crate) fn http(http: Http<String>, outside: Outside) -> Result<Connection, String> {
    let Http { settings, credential, client_key } = http;
    let secrets =
        Secrets { credential: credential.map(Secret::new), client_key_pem: client_key.map(Secret::new) };
    Connection::new(settings, &secrets, outside).map_err(|refused| refused.to_string())
}

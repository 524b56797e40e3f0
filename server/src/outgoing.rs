//! From a connection's definition to a client for HTTP, or for a database.

use std::convert::Infallible;

use busbar_egress::{Connection, Outside, Secret, Secrets};
use busbar_model::connection::{Http, Sql};
use http::uri::PathAndQuery;
use url::Url;

pub(crate) fn http(http: Http<String>, outside: Outside) -> Result<Connection, String> {
    let Http { settings, credential, client_key } = http;
    let secrets =
        Secrets { credential: credential.map(Secret::new), client_key_pem: client_key.map(Secret::new) };
    Connection::new(settings, &secrets, outside).map_err(|refused| refused.to_string())
}

/// One for an address that calls go to exactly, and not below it.
pub(crate) fn endpoint(
    mut given: Http<String>,
    outside: Outside,
) -> Result<(Connection, PathAndQuery), String> {
    let url = Url::parse(&given.settings.base_url).map_err(|error| error.to_string())?;
    let path = PathAndQuery::try_from(&url[url::Position::BeforePath..url::Position::AfterQuery]);
    given.settings.base_url = url.origin().ascii_serialization();
    Ok((http(given, outside)?, path.map_err(|error| error.to_string())?))
}

pub(crate) fn sql(sql: Sql<String>, outside: busbar_sql::Outside) -> Result<busbar_sql::Connection, String> {
    let mut hidden = |_, secret: String| Ok::<_, Infallible>(busbar_sql::Secret::new(secret));
    let Ok(settings) = sql.try_map(&mut hidden);
    busbar_sql::Connection::new(&settings, outside).map_err(|refused| refused.to_string())
}

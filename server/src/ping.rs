//! Whether the system of a connection lets this process in, whatever its kind.

use std::{path::PathBuf, sync::Arc, time::Duration};

use busbar_admin::Ping;
use busbar_model::{
    Connection,
    connection::{Amqp, Client, Http, Sql},
};
use busbar_store::MasterKey;

use crate::{endpoint, outgoing};

/// `own` are the bus's own files, which no connection opens.
pub(crate) fn pinger(key: Arc<MasterKey>, own: Vec<PathBuf>) -> Ping {
    Arc::new(move |connection: Connection| {
        let opened = key.open_connection(&connection).map_err(|error| error.to_string());
        let client = opened.map(|client| client.map(|_, secret| secret.reveal().to_owned()));
        let own = own.clone();
        Box::pin(async move {
            match client? {
                Client::Amqp(given) => amqp(given).await,
                Client::Http(given) => http(given).await,
                // An endpoint answers what is no message as it likes.
                Client::Soap(soap) => answered(soap.http).await.map(|found| found.took),
                Client::Sql(given) => sql(given, own).await,
            }
        })
    })
}

async fn amqp(given: Amqp<String>) -> Result<Duration, String> {
    let endpoint = endpoint::of(given, "busbar admin ping");
    busbar_amqp::ping(&endpoint).await.map_err(|reason| reason.to_string())
}

async fn http(given: Http<String>) -> Result<Duration, String> {
    let found = answered(given).await?;
    if found.is_good() { Ok(found.took) } else { Err(format!("it answers with status {}", found.status)) }
}

async fn answered(given: Http<String>) -> Result<busbar_egress::Ping, String> {
    let connection = outgoing::http(given, busbar_egress::Outside::system())?;
    connection.ping().await.map_err(|error| error.to_string())
}

async fn sql(given: Sql<String>, own: Vec<PathBuf>) -> Result<Duration, String> {
    let outside = busbar_sql::Outside { forbidden: own, ..busbar_sql::Outside::default() };
    let connection = outgoing::sql(given, outside)?;
    connection.ping().await.map_err(|error| error.to_string())
}

//! Pings against a server that answers as it is told.

use std::path::PathBuf;

use busbar_model::{
    Connection, Timestamp,
    connection::{
        Client, Http, Soap, Sql,
        http::{Auth, Settings},
        soap::Documents,
    },
};
use busbar_store::{MasterKey, secret::seal};
use serde_json::json;

use super::*;
use crate::client::fake::Fake;

async fn tried(client: Client, own: Vec<PathBuf>) -> Result<Duration, String> {
    let connection = Connection {
        id: "1".to_owned(),
        name: "api".parse().unwrap(),
        active: false,
        client,
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    pinger(Arc::new(MasterKey::new(&[7; seal::KEY_BYTES])), own)(connection).await
}

fn settings(url: &str) -> Settings {
    Settings { allow: vec!["127.0.0.1".to_owned()], ..Settings::new(url) }
}

fn open<S>(settings: Settings) -> Http<S> {
    Http { settings, credential: None, client_key: None }
}

#[tokio::test]
async fn over_http_the_status_tells() {
    let fake = Fake::start(|asked| (if asked.path == "/good/" { 200 } else { 404 }, json!({}))).await;
    let url = fake.access().url;
    tried(Client::Http(open(settings(&format!("{url}/good")))), Vec::new()).await.unwrap();
    let away = tried(Client::Http(open(settings(&url))), Vec::new()).await.unwrap_err();
    assert_eq!(away, "it answers with status 404 Not Found");
    let refused = tried(Client::Http(open(Settings::new(&url))), Vec::new()).await.unwrap_err();
    assert!(refused.contains("is not on the list of allowed addresses"), "{refused}");
    let auth = Settings { auth: Auth::Bearer {}, ..settings(&url) };
    let without = tried(Client::Http(open(auth)), Vec::new()).await.unwrap_err();
    assert!(without.contains("credential is missing"), "{without}");
}

#[tokio::test]
async fn a_soap_endpoint_that_answers_is_reached() {
    let fake = Fake::start(|_| (500, json!({}))).await;
    let soap = Soap::new(open(settings(&fake.access().url)), Documents { documents: Vec::new() });
    tried(Client::Soap(soap.clone()), Vec::new()).await.unwrap();
    drop(fake);
    let nobody = Soap::new(open(settings("http://127.0.0.1:9")), soap.wsdl);
    let away = tried(Client::Soap(nobody), Vec::new()).await.unwrap_err();
    assert!(away.starts_with("no connection to 127.0.0.1"), "{away}");
}

#[tokio::test]
async fn a_file_is_opened_unless_it_is_the_buss_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    std::fs::write(&file, "").unwrap();
    let sql = || Client::Sql(Sql::file(file.to_str().unwrap().to_owned()));
    tried(sql(), Vec::new()).await.unwrap();
    let own = tried(sql(), vec![file.clone()]).await.unwrap_err();
    assert!(own.ends_with("is a file of the bus itself"), "{own}");
}

//! Connections of the kinds http, soap and sql.

use busbar_model::{
    Connection,
    channel::{self, Address},
    connection::{
        Client, Http, Part, Soap, Sql,
        http::{Auth, Settings, Tls},
        soap::{Document, Documents, PasswordType, UsernameToken},
        sql::Engine,
    },
};
use busbar_store::{
    AuditFilter, Error, Page, Plaintext,
    connections::{Draft, Filter},
};

use crate::{
    connections::{connection, create, hidden, key, opened, update},
    fixture::{Fixture, by, name},
};

type Given = Option<Plaintext>;

fn http(auth: Auth, certificate: Option<&str>, secret: fn(Part) -> Given) -> Http<Given> {
    let tls = Tls { client_certificate: certificate.map(str::to_owned), ..Tls::default() };
    Http::new(Settings { auth, tls, ..Settings::new("https://api.example.com") }, secret)
}

fn draft(of: &str, client: Client<Given>) -> Draft {
    Draft { name: name(of), active: true, client }
}

fn basic() -> Auth {
    Auth::Basic { username: "ada".to_owned() }
}

fn all(part: Part) -> Given {
    hidden(part.as_str())
}

fn kept(_: Part) -> Given {
    None
}

pub(crate) const WSDL: &str = include_str!("prices.wsdl");

fn soap(secret: fn(Part) -> Given, text: &str) -> Soap<Given> {
    let document = Document { location: "prices.wsdl".to_owned(), text: text.to_owned() };
    let token = UsernameToken { username: "bus".to_owned(), password_type: PasswordType::Digest };
    Soap {
        username_token: Some(token),
        token_password: Some(secret(Part::TokenPassword)),
        ..Soap::new(http(basic(), Some("CERT"), secret), Documents { documents: vec![document] })
    }
}

fn sql(secret: fn(Part) -> Given) -> Sql<Given> {
    let [host, database, username] = ["db", "shop", "bus"].map(str::to_owned);
    Sql::server(Engine::Postgres, host, database, username, secret(Part::Password))
}

#[test]
fn every_kind_is_kept_with_its_secrets_sealed() {
    let fixture = Fixture::new();
    for (of, client, parts) in [
        ("h", Client::Http(http(basic(), Some("CERT"), all)), &[Part::Password, Part::ClientKey][..]),
        ("open", Client::Http(http(Auth::None {}, None, all)), &[]),
        ("s", Client::Soap(soap(all, WSDL)), &Part::ALL),
        ("d", Client::Sql(sql(all)), &[Part::Password]),
        ("f", Client::Sql(Sql::file("/var/lib/a.db".to_owned())), &[]),
    ] {
        let kind = client.kind();
        let made = create(&fixture, &draft(of, client));
        assert_eq!(fixture.odb.find_connection(&made.id).unwrap(), made);
        for part in Part::ALL {
            assert_eq!(made.client.secret(part).is_some(), parts.contains(&part), "{of} {part:?}");
        }
        parts.iter().for_each(|part| assert_eq!(opened(&made, *part), part.as_str()));
        let filter = Filter { kind: Some(kind.to_owned()), ..Filter::default() };
        let found = fixture.odb.connections(&Page::first(10), &filter).unwrap().items;
        assert!(found.contains(&made) && found.iter().all(|found| found.client.kind() == kind));
    }
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    let shown = format!("{entries:?}");
    assert!(!shown.contains("ciphertext") && !shown.contains("definitions"), "{shown}");
}

#[test]
fn a_credential_goes_on_to_serve_the_same_kind_of_auth() {
    let fixture = Fixture::new();
    let made = create(&fixture, &draft("h", Client::Http(http(basic(), None, all))));
    let other = Auth::Basic { username: "bob".to_owned() };
    let changed = update(&fixture, &made.id, &draft("h", Client::Http(http(other, None, kept)))).unwrap();
    assert_eq!(opened(&changed, Part::Password), "password");
    let bearer = draft("h", Client::Http(http(Auth::Bearer {}, None, kept)));
    let refused = update(&fixture, &made.id, &bearer).unwrap_err();
    assert!(matches!(refused, Error::NoCredential { what: "password", .. }), "{refused}");
    let none = draft("h", Client::Http(http(Auth::None {}, None, kept)));
    let changed = update(&fixture, &made.id, &none).unwrap();
    assert_eq!(changed.client.secret(Part::Password), None);
}

#[test]
fn a_kind_stays() {
    let fixture = Fixture::new();
    let made = create(&fixture, &draft("c", Client::Sql(sql(all))));
    let refused = update(&fixture, &made.id, &connection("c", hidden("x"))).unwrap_err();
    assert_eq!(refused.to_string(), "connection \"c\" is of kind sql: make a new one to have another kind");
}

#[test]
fn channels_come_in_by_brokers_only() {
    let fixture = Fixture::new();
    fixture.deploy("orders", b"v1");
    create(&fixture, &draft("h", Client::Http(http(Auth::None {}, None, all))));
    let amqp = busbar_model::amqp::Amqp::new(name("h"), "orders".to_owned());
    let channel = channel::Draft::new(name("in"), name("orders"), Address::Amqp(amqp));
    let refused = fixture.odb.create_channel(&by(), channel).unwrap_err();
    assert!(matches!(refused, Error::UnfitConnection { .. }), "{refused}");
    assert_eq!(
        refused.to_string(),
        "connection \"h\" is of kind http, and channels come in by those of kind amqp"
    );
}

#[test]
fn a_change_of_each_secret_is_noted_without_it() {
    let fixture = Fixture::new();
    let made: Connection = create(&fixture, &draft("s", Client::Soap(soap(all, WSDL))));
    update(&fixture, &made.id, &draft("s", Client::Soap(soap(all, WSDL)))).unwrap();
    let entries = fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap().items;
    let after = entries[0].after.as_ref().unwrap();
    for part in Part::ALL {
        assert_eq!(after[part.as_str()], "replaced");
    }
    assert_eq!(after["wsdl"]["documents"][0]["location"], "prices.wsdl");
    assert!(key().open_connection(&made).is_ok());
}

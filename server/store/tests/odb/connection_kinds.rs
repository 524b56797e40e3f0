//! Connections of the kinds http, soap and sql.

use busbar_model::{
    Connection,
    bounds::{CONNECTION_WSDL_BYTES_MAX, CONNECTIONS_WSDL_BYTES_MAX},
    channel::{self, Address},
    connection::{
        Amqp, Client, Http, Part, Soap, Sql,
        http::{Auth, Settings, Tls},
        soap::{Document, Documents, PasswordType, UsernameToken},
        sql::Engine,
    },
};
use busbar_store::{
    AuditFilter, Error, Page, Plaintext, Wanted,
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

#[test]
fn a_secret_does_not_follow_to_another_system() {
    let fixture = Fixture::new();
    let at = |url: &str, http: Http<Given>| Http {
        settings: Settings { base_url: url.to_owned(), ..http.settings },
        ..http
    };
    let broker = |host: &str, secret: fn(Part) -> Given| {
        let amqp = Amqp::new(host.to_owned(), "ada".to_owned(), secret(Part::Password), false);
        Client::Amqp(amqp)
    };
    let web = |url: &str, secret| Client::Http(at(url, http(basic(), None, secret)));
    let partner = |url: &str, secret| {
        let soap = soap(secret, WSDL);
        Client::Soap(Soap { http: at(url, soap.http), ..soap })
    };
    let base = |host: &str, secret| Client::Sql(Sql { host: Some(host.to_owned()), ..sql(secret) });
    type Make<'a> = &'a dyn Fn(&str, fn(Part) -> Given) -> Client<Given>;
    let kinds: [(&str, Make<'_>, &str, &str, &str); 4] = [
        ("a", &broker, "mq", "mq", "evil"),
        ("h", &web, "https://a/x", "https://a/y", "https://evil/x"),
        ("s", &partner, "https://a/x", "https://a/y", "https://evil/x"),
        ("d", &base, "db", "db", "evil"),
    ];
    for (of, make, first, alike, elsewhere) in kinds {
        let made = create(&fixture, &draft(of, make(first, all)));
        update(&fixture, &made.id, &draft(of, make(alike, kept))).unwrap();
        let refused = update(&fixture, &made.id, &draft(of, make(elsewhere, kept))).unwrap_err();
        assert!(matches!(refused, Error::SecretRequired { what: "password", .. }), "{of}: {refused}");
        let moved = update(&fixture, &made.id, &draft(of, make(elsewhere, all))).unwrap();
        assert_eq!(opened(&moved, Part::Password), "password");
    }
}

#[test]
fn the_address_of_a_wsdl_is_another_system_too() {
    let fixture = Fixture::new();
    let at = |text: &str, secret| {
        let soap = soap(secret, text);
        let settings = Settings { base_url: String::new(), ..soap.http.settings };
        Client::Soap(Soap { http: Http { settings, ..soap.http }, ..soap })
    };
    let made = create(&fixture, &draft("s", at(WSDL, all)));
    let moved = WSDL.replace("https://prices.example.com", "https://evil.example.com");
    let refused = update(&fixture, &made.id, &draft("s", at(&moved, kept))).unwrap_err();
    assert!(matches!(refused, Error::SecretRequired { what: "password", .. }), "{refused}");
    update(&fixture, &made.id, &draft("s", at(WSDL, kept))).unwrap();
}

#[test]
fn all_wsdls_together_have_a_bound() {
    let fixture = Fixture::new();
    let long = |bytes: usize| format!("{WSDL}{}", " ".repeat(bytes - WSDL.len()));
    let open = |text: &str| {
        let document = Document { location: "prices.wsdl".to_owned(), text: text.to_owned() };
        let http = http(Auth::None {}, None, all);
        Client::Soap(Soap::new(http, Documents { documents: vec![document] }))
    };
    let full = open(&long(CONNECTION_WSDL_BYTES_MAX));
    let made: Vec<_> =
        ["a", "b", "c"].map(|of| create(&fixture, &draft(of, full.clone()))).into_iter().collect();
    let more = fixture.odb.create_connection(&by(), &key(), &draft("d", open(WSDL))).unwrap_err();
    let would = CONNECTIONS_WSDL_BYTES_MAX + WSDL.len();
    assert_eq!(
        more.to_string(),
        format!("{would} bytes of connections' WSDLs would be too many: allowed is 6291456 in all")
    );
    update(&fixture, &made[0].id, &Draft { active: false, ..draft("a", full.clone()) }).unwrap();
    update(&fixture, &made[0].id, &draft("a", open(WSDL))).unwrap();
    create(&fixture, &draft("d", open(WSDL)));
    let grown = update(&fixture, &made[0].id, &draft("a", full)).unwrap_err();
    assert!(matches!(grown, Error::WsdlsFull { .. }), "{grown}");
}

#[test]
fn a_document_gives_a_secret_again_for_another_system() {
    let fixture = Fixture::new();
    let with = |at: Option<&str>, secret| {
        let soap = soap(secret, WSDL);
        let settings = Settings { base_url: at.unwrap_or_default().to_owned(), ..soap.http.settings };
        let client = Client::Soap(Soap { http: Http { settings, ..soap.http }, ..soap });
        Wanted { connections: vec![draft("s", client)], ..Wanted::default() }
    };
    assert_eq!(fixture.put(&with(None, all), false), ["create connection s"]);
    for same in [with(None, all), with(None, kept), with(Some("https://prices.example.com/soap"), all)] {
        assert_eq!(fixture.put(&same, false), [""; 0]);
    }
    let elsewhere = Some("https://evil.example.com");
    let refused = fixture.refused(&with(elsewhere, kept), false);
    assert!(
        refused[0].starts_with("/connections/s: connection \"s\" would show its password"),
        "{refused:?}"
    );
    assert_eq!(fixture.put(&with(elsewhere, all), false), ["update connection s"]);
}

#[test]
fn a_document_may_make_room_for_its_own_wsdls() {
    let fixture = Fixture::new();
    let of = |name: &str, bytes: usize| {
        let text = format!("{WSDL}{}", " ".repeat(bytes));
        let document = Document { location: "prices.wsdl".to_owned(), text };
        let http = http(Auth::None {}, None, all);
        draft(name, Client::Soap(Soap::new(http, Documents { documents: vec![document] })))
    };
    let most = CONNECTION_WSDL_BYTES_MAX - WSDL.len();
    let put = |connections| Wanted { connections, ..Wanted::default() };
    fixture.put(&put(vec![of("a", most), of("b", most), of("c", most)]), false);
    fixture.put(&put(vec![of("d", most - WSDL.len()), of("a", 0)]), false);
    let refused = fixture.refused(&put(vec![of("e", 0)]), false);
    assert!(refused[0].starts_with("/connections: ") && refused[0].contains("too many"), "{refused:?}");
    assert_eq!(fixture.put(&put(vec![of("e", 0)]), true).len(), 5);
}

//! Where a connection leads, which its secrets were given for.

use std::sync::Arc;

use super::{
    Client,
    http::{
        Auth, Settings,
        origin::{Base, Origin},
    },
};

impl<S> Client<S> {
    /// Whether secrets of the one may serve for the other as they are: it shows them to nobody else, and not in the clear
    /// where they had TLS.
    pub fn leads_as<T>(&self, other: &Client<T>) -> bool {
        match (self, other) {
            (Self::Amqp(one), Client::Amqp(other)) => {
                (&one.host, one.port) == (&other.host, other.port)
                    && (one.tls.is_none() || other.tls.is_some())
            }
            (Self::Sql(one), Client::Sql(other)) => {
                let ports = [one.port.or(one.engine.port()), other.port.or(other.engine.port())];
                one.host == other.host && ports[0] == ports[1] && (one.tls.is_none() || other.tls.is_some())
            }
            (Self::Http(one), Client::Http(other)) => same(&one.settings, &other.settings),
            (Self::Soap(one), Client::Soap(other)) => same(&one.http.settings, &other.http.settings),
            _ => false,
        }
    }
}

fn same(one: &Settings, other: &Settings) -> bool {
    let asks = |settings: &Settings| match &settings.auth {
        Auth::ClientCredentials { token_url, .. } => Some(token_url.clone()),
        _ => None,
    };
    // Of another kind of auth a credential does not go on at all.
    let tokens = asks(one).zip(asks(other)).is_none_or(|(one, other)| one == other);
    tokens && origin(one).is_some_and(|one| Some(one) == origin(other))
}

fn origin(settings: &Settings) -> Option<Arc<Origin>> {
    Base::parse("base_url", &settings.base_url).ok().map(|base| base.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Amqp, Http, Soap, Sql, amqp, soap::Documents, sql::Engine};

    fn http(url: &str, auth: Auth) -> Http<()> {
        Http::new(Settings { auth, ..Settings::new(url) }, |_| ())
    }

    fn token(url: &str) -> Auth {
        let client_id = "bus".to_owned();
        Auth::ClientCredentials {
            token_url: url.to_owned(),
            client_id,
            scope: None,
            audience: None,
            in_body: false,
        }
    }

    #[test]
    fn over_http_it_is_the_origin() {
        let bearer = |url: &str| Client::Http(http(url, Auth::Bearer {}));
        let one = bearer("https://api.example.com/v1");
        for alike in ["https://api.example.com/v2", "https://API.example.com:443"] {
            assert!(one.leads_as(&bearer(alike)), "{alike}");
        }
        for other in ["http://api.example.com/v1", "https://api.example.com:8443/v1", "https://evil/v1", ""] {
            assert!(!one.leads_as(&bearer(other)), "{other}");
        }
        let asking = |url: &str| Client::Http(http("https://api", token(url)));
        assert!(asking("https://id/token").leads_as(&asking("https://id/token")));
        assert!(!asking("https://id/token").leads_as(&asking("https://id/other")));
        let soap = |url| Client::Soap(Soap::new(http(url, Auth::Bearer {}), Documents { documents: vec![] }));
        assert!(soap("https://a/x").leads_as(&soap("https://a/y")));
        assert!(!soap("https://a/x").leads_as(&soap("https://b/x")));
        assert!(!soap("https://a/x").leads_as(&bearer("https://a/x")));
    }

    #[test]
    fn elsewhere_it_is_host_and_port_and_tls_that_stays() {
        let broker = |host: &str, tls| Amqp::new(host.to_owned(), "ada".to_owned(), (), tls);
        let on = |port, tls| Client::Amqp(Amqp { port, ..broker("mq", tls) });
        assert!(on(1, false).leads_as(&on(1, true)) && !on(1, true).leads_as(&on(1, false)));
        assert!(!on(1, true).leads_as(&on(2, true)));
        assert!(!on(5671, true).leads_as(&Client::Amqp(broker("mq2", true))));
        let server = |host: &str| {
            let [host, database, username] = [host, "shop", "bus"].map(str::to_owned);
            Sql::server(Engine::Postgres, host, database, username, ())
        };
        let sql = |host, port, tls: bool| {
            Client::Sql(Sql { port, tls: tls.then(amqp::Tls::default), ..server(host) })
        };
        assert!(sql("db", None, false).leads_as(&sql("db", Some(5432), true)));
        assert!(!sql("db", None, true).leads_as(&sql("db", None, false)));
        assert!(!sql("db", None, true).leads_as(&sql("db", Some(1), true)));
        assert!(!sql("db", None, true).leads_as(&sql("db2", None, true)));
    }
}

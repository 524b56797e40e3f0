//! A broker that someone named at the start.

use std::{fmt, path::Path};

use anyhow::{Context as _, anyhow};
use busbar_model::{
    amqp::{Amqp, Declare, QueueKind},
    channel::{self, Address},
    connection::{
        Client,
        amqp::{self, parse_url},
    },
};
use busbar_store::{Error, Odb, Page, connections};

use super::by;
use crate::master_key;

const CONNECTION: &str = "broker";
const CHANNEL: &str = "orders-queue";
const QUEUE: &str = "orders";
/// Of the example `orders`.
const SERVICE: &str = "orders.submit";

/// Where it is and how to come in.
#[derive(Clone)]
pub(crate) struct Broker(amqp::Address);

/// Without the password.
impl fmt::Debug for Broker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Broker").field(&self.0.host).finish()
    }
}

impl Broker {
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let address = parse_url(url)?;
        match (&address.username, &address.password) {
            (Some(_), Some(_)) => Ok(Self(address)),
            _ => Err("has no user and password: amqp://user:password@host:port/vhost".to_owned()),
        }
    }

    /// Makes the connection, and the channel that orders come in by; or puts the connection right if it leads
    /// elsewhere.
    pub(crate) fn connect(self, odb_url: &str, key: &Path) -> anyhow::Result<()> {
        let odb = Odb::open(odb_url, 1).context("failed to open the ODB")?;
        let key = master_key::read(key)?;
        let filter = connections::Filter { name: Some(CONNECTION.to_owned()), ..Default::default() };
        let known = odb.connections(&Page::first(1), &filter)?.items.pop();
        let draft = connections::Draft { name: CONNECTION.parse()?, active: true, client: self.client()? };
        match known {
            None => {
                odb.create_connection(&by(), &key, &draft)?;
                match odb.create_channel(&by(), orders()?) {
                    Ok(_) | Err(Error::NameTaken { .. }) => Ok(()),
                    Err(error) => Err(anyhow!(error).context("failed to make the channel of the queue")),
                }
            }
            Some(known) if is_same(&known.client, &draft.client) => Ok(()),
            Some(known) => {
                let edit = |_| Ok::<_, Error>(draft.clone());
                odb.update_connection(&by(), &key, &known.id, None, edit)?;
                Ok(())
            }
        }
    }

    fn client<S: From<String>>(self) -> anyhow::Result<Client<Option<S>>> {
        let amqp::Address { tls, host, port, vhost, username, password } = self.0;
        let (username, password) = username.zip(password).context("a user and a password are needed")?;
        let new = amqp::Amqp::new(host, username, Some(S::from(password)), tls);
        let (port, vhost) = (port.unwrap_or(new.port), vhost.unwrap_or_else(|| new.vhost.clone()));
        Ok(Client::Amqp(amqp::Amqp { port, vhost, ..new }))
    }
}

/// But for their secrets.
fn is_same<S, T>(one: &Client<S>, other: &Client<T>) -> bool {
    let (Client::Amqp(one), Client::Amqp(other)) = (one, other) else { return false };
    one.host == other.host
        && one.port == other.port
        && one.vhost == other.vhost
        && one.username == other.username
        && one.tls.is_some() == other.tls.is_some()
}

fn orders() -> anyhow::Result<channel::Draft> {
    let declare = Declare {
        kind: QueueKind::Quorum,
        dead_letter_exchange: None,
        dead_letter_routing_key: None,
        delivery_limit: None,
        max_length: None,
        message_ttl_ms: None,
    };
    let amqp = Amqp { declare: Some(declare), ..Amqp::new(CONNECTION.parse()?, QUEUE.to_owned()) };
    Ok(channel::Draft::new(CHANNEL.parse()?, SERVICE.parse()?, Address::Amqp(amqp)))
}

#[cfg(test)]
mod tests {
    use super::Broker;

    #[test]
    fn a_broker_is_named_with_its_user() {
        assert!(Broker::parse("amqp://guest:guest@127.0.0.1:5672/%2f").is_ok());
        for bad in ["amqp://127.0.0.1", "http://a:b@c", "broker"] {
            assert!(Broker::parse(bad).is_err(), "{bad}");
        }
    }
}

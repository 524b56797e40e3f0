//! One connection to a broker, from its handshake to its end. What belongs to one is tagged with its generation.

use std::{
    collections::HashSet,
    net::{Shutdown, TcpStream},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures_util::Stream;
use lapin::{
    Channel, Connection, Event, ExchangeKind,
    options::ExchangeDeclareOptions,
    types::{FieldTable, ShortString},
};
use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    bounds::{ANSWER_BOUND, CLOSE_BOUND},
    reason::{Reason, refusal},
};

pub(crate) struct Session {
    pub(crate) generation: u64,
    connection: Connection,
    /// A second handle of the connection's socket, to cut it: a peer that is silent does not let it be closed.
    socket: TcpStream,
    ended: watch::Sender<Option<Reason>>,
    /// Exchanges that were there when somebody asked.
    exchanges: Mutex<HashSet<String>>,
}

/// Why an exchange can't be published to.
pub(crate) enum NoExchange {
    Missing,
    Unknown(Reason),
}

impl Session {
    pub(crate) fn new(generation: u64, connection: Connection, socket: TcpStream) -> Self {
        let ended = watch::Sender::new(None);
        Self { generation, connection, socket, ended, exchanges: Mutex::default() }
    }

    pub(crate) async fn channel(&self) -> Result<Channel, lapin::Error> {
        self.connection.create_channel().await
    }

    /// What the broker tells of the connection.
    pub(crate) fn events(&self) -> Pin<Box<dyn Stream<Item = Event> + Send + '_>> {
        Box::pin(self.connection.events_listener())
    }

    /// What lapin knows: it is told of most ends, and finds out about the others by heartbeats.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    /// From now on nothing of this session counts.
    pub(crate) fn end(&self, reason: Reason) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(reason);
            first
        });
        // lapin may not have noticed. One that is closed already can't be shut down again.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Reason {
        let mut ended = self.ended.subscribe();
        let reason = ended.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or(Reason::Stopped)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// A round trip.
    pub(crate) async fn ping(&self, bound: Instant) -> Result<(), Reason> {
        let silent = Reason::Silent { bound_s: bound.saturating_duration_since(Instant::now()).as_secs() };
        let opened = timeout_at(bound, self.channel()).await.map_err(|_| silent)?;
        let channel = opened.map_err(|error| Reason::of(&error))?;
        // Its answer is nobody's concern.
        let _ = timeout(CLOSE_BOUND, channel.close(200, short("ping"))).await;
        Ok(())
    }

    /// Asks once for each exchange whether it is there: a message to one that is not would take the channel, and
    /// what is under way on it, with it.
    pub(crate) async fn exchange(&self, name: &str) -> Result<(), NoExchange> {
        if name.is_empty() || self.known().contains(name) {
            return Ok(());
        }
        let unknown = |error: lapin::Error| NoExchange::Unknown(Reason::of(&error));
        let Ok(exchange) = ShortString::try_new(name) else { return Err(NoExchange::Missing) };
        let channel = self.channel().await.map_err(unknown)?;
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        // Its kind is not compared when it is only asked for.
        let asked =
            channel.exchange_declare(exchange, ExchangeKind::Direct, options, FieldTable::default()).await;
        match asked {
            Ok(()) => {
                self.known().insert(name.to_owned());
                let _ = timeout(CLOSE_BOUND, channel.close(200, short("asked"))).await;
                Ok(())
            }
            Err(error) if refusal(&error).is_some() => Err(NoExchange::Missing),
            Err(error) => Err(unknown(error)),
        }
    }

    /// It is not there any more.
    pub(crate) fn forget_exchange(&self, name: &str) {
        self.known().remove(name);
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it as the protocol wants it, if the broker plays along.
    pub(crate) async fn close(&self) {
        let _ = timeout(CLOSE_BOUND, self.connection.close(200, short("stopped"))).await;
        self.end(Reason::Stopped);
    }

    /// Whether somebody can be expected to answer.
    pub(crate) async fn check(&self) -> Result<(), Reason> {
        if self.connection.status().blocked() {
            return Ok(());
        }
        self.ping(Instant::now() + ANSWER_BOUND).await
    }
}

/// Of a text of this crate, which is short.
pub(crate) fn short(text: &'static str) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

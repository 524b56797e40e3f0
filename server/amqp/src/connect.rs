//! From an endpoint to a session: TCP, TLS, credentials, virtual host.

use std::{
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    sync::{Arc, Mutex, PoisonError},
};

use lapin::{
    AsyncTcpStream, Connection, ConnectionProperties,
    types::LongString,
    uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo},
};
use tokio::time::timeout;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use crate::{
    bounds::CONNECT_BOUND,
    endpoint::{Endpoint, Tls},
    reactor::{WireRuntime, runtime},
    reason::{Reason, explain_tls},
    session::{Session, short},
    wire::Wire,
};

/// What became of the part that lapin's thread does.
#[derive(Default)]
struct Progress {
    socket: Option<TcpStream>,
    failed: Option<Reason>,
    /// Nobody waits any more.
    abandoned: bool,
}

type Shared = Arc<Mutex<Progress>>;

pub(crate) async fn connect(endpoint: &Endpoint, generation: u64) -> Result<Session, Reason> {
    let progress = Shared::default();
    let connected = timeout(CONNECT_BOUND, handshake(endpoint, &progress)).await;
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    let Progress { socket, failed, .. } =
        std::mem::replace(&mut *progress, Progress { abandoned: true, ..Progress::default() });
    let failure = match (connected, socket) {
        (Ok(Ok(connection)), Some(socket)) => {
            return Ok(Session::new(generation, connection, socket));
        }
        // What lapin's thread reads from is cut, so that the thread ends.
        (Ok(Err(error)), socket) => {
            cut(socket);
            Reason::of_handshake(&error, &endpoint.username, &endpoint.vhost)
        }
        (_, socket) => {
            cut(socket);
            Reason::Silent { bound_s: CONNECT_BOUND.as_secs() }
        }
    };
    Err(failed.unwrap_or(failure))
}

fn cut(socket: Option<TcpStream>) {
    if let Some(socket) = socket {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

async fn handshake(endpoint: &Endpoint, progress: &Shared) -> Result<Connection, lapin::Error> {
    let properties = ConnectionProperties::default()
        .with_connection_name(LongString::from(endpoint.name.as_str()))
        .with_client_property(short("product"), LongString::from("Busbar"));
    let (tls, progress) = (endpoint.tls.clone(), Arc::clone(progress));
    let open = async move |uri: AMQPUri, _: WireRuntime| {
        let opened = timeout(CONNECT_BOUND, open(&uri, tls.as_ref())).await;
        let silent = Reason::Silent { bound_s: CONNECT_BOUND.as_secs() };
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        match opened.unwrap_or(Err(silent)) {
            Ok(_) if progress.abandoned => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
            Ok((wire, socket)) => {
                progress.socket = Some(socket);
                Ok(AsyncTcpStream::Plain(wire.compat()))
            }
            Err(reason) => {
                let error = std::io::Error::other(reason.to_string());
                progress.failed = Some(reason);
                Err(error.into())
            }
        }
    };
    Connection::connector(uri(endpoint), runtime(), open, properties).await
}

fn uri(endpoint: &Endpoint) -> AMQPUri {
    let heartbeat = u16::try_from(endpoint.heartbeat.as_secs()).unwrap_or(u16::MAX);
    AMQPUri {
        // Only what is done here encrypts.
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: endpoint.username.clone(),
                password: endpoint.password.clone(),
            },
            host: endpoint.host.clone(),
            port: endpoint.port,
        },
        vhost: endpoint.vhost.clone(),
        query: AMQPQueryString { heartbeat: Some(heartbeat), ..AMQPQueryString::default() },
    }
}

async fn open(uri: &AMQPUri, tls: Option<&Tls>) -> Result<(Wire, TcpStream), Reason> {
    let (host, port) = (uri.authority.host.as_str(), uri.authority.port);
    let address = format!("{host}:{port}");
    let unreachable =
        |error: std::io::Error| Reason::Unreachable { address: address.clone(), text: error.to_string() };
    let stream = tokio::net::TcpStream::connect((host, port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let socket = stream.as_fd().try_clone_to_owned().map_err(unreachable)?.into();
    let Some(tls) = tls else { return Ok((Wire::plain(stream), socket)) };
    let wire = Wire::tls(stream, tls).await;
    let failed = |error: std::io::Error| {
        let text = explain_tls(&error.to_string(), &tls.server_name);
        Reason::Tls { address: address.clone(), text }
    };
    Ok((wire.map_err(failed)?, socket))
}

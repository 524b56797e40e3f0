//! The way from one host to a service of another, which can be cut: what is sent meanwhile arrives when it is mended, as
//! on a network whose packets are lost for a while.

use std::{io, net::Ipv4Addr};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Open until it is cut; it ends when it is dropped.
#[derive(Debug)]
pub struct Way {
    url: String,
    open: watch::Sender<bool>,
}

impl Way {
    /// To the service of a URL with a host and a port.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
        let (authority, path) = rest.split_once('/').expect("a URL has a path");
        let (user, target) = authority.rsplit_once('@').expect("a URL has a user");
        let near = listener.local_addr().expect("a listener has an address");
        let url = format!("{scheme}://{user}@{near}/{path}");
        let (open, opened) = watch::channel(true);
        tokio::spawn(listen(listener, target.to_owned(), opened));
        Self { url, open }
    }

    /// The same URL, by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Nothing arrives any more, in neither direction; nobody is told.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn listen(listener: TcpListener, target: String, mut open: watch::Receiver<bool>) {
    // Those who connect meanwhile wait, as their packets would.
    while open.wait_for(|open| *open).await.is_ok() {
        tokio::select! {
            biased;
            changed = open.changed() => if changed.is_err() { return },
            accepted = listener.accept() => {
                let (near, target, open) = (accepted.expect("a connection is accepted").0, target.clone(), open.clone());
                tokio::spawn(async move {
                    // Who is there no more hears of it by the end of the connection.
                    let _ = carry(near, &target, open).await;
                });
            }
        }
    }
}

async fn carry(near: TcpStream, target: &str, open: watch::Receiver<bool>) -> io::Result<()> {
    let far = TcpStream::connect(target).await?;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::try_join!(pass(near_in, far_out, open.clone()), pass(far_in, near_out, open))?;
    Ok(())
}

/// An end is passed on like everything else. Without the `Way` there is nothing to pass.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut open: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => read?,
            _ = gone(open.clone()) => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        if open.wait_for(|open| *open).await.is_err() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        match length {
            0 => return to.shutdown().await,
            length => to.write_all(&buffer[..length]).await?,
        }
    }
}

async fn gone(mut open: watch::Receiver<bool>) {
    while open.changed().await.is_ok() {}
}

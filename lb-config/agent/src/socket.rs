//! HAProxy's runtime socket: one command a connection, each with a time-out, since HAProxy may hang.

use std::{io, path::Path, time::Duration};

use busbar_lb_config::{Command, info, info::Info, stats, stats::ServerStats};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

/// For one command.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Of an answer.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("reach HAProxy's socket")]
    Io(#[from] io::Error),
    #[error("get an answer of HAProxy within 3 s")]
    Timeout,
    #[error("read HAProxy's statistics")]
    Stats(#[from] stats::StatsError),
    #[error("read HAProxy's process information")]
    Info(#[from] info::InfoError),
    #[error("get {command:?} done by HAProxy, which says {answer:?}")]
    Refused { command: String, answer: String },
}

async fn ask(socket: &Path, command: &str) -> Result<String, SocketError> {
    let asked = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(TIMEOUT, asked).await.map_err(|_| SocketError::Timeout)?
}

pub(crate) async fn show_info(socket: &Path) -> Result<Info, SocketError> {
    Ok(info::parse(&ask(socket, "show info").await?)?)
}

pub(crate) async fn show_stat(socket: &Path) -> Result<Vec<ServerStats>, SocketError> {
    Ok(stats::parse(&ask(socket, "show stat").await?)?)
}

/// Some commands say what they did; that is told from a refusal by its words.
pub(crate) async fn command(socket: &Path, command: &Command) -> Result<(), SocketError> {
    let text = command.to_string();
    let answer = ask(socket, &text).await?;
    let answer = answer.trim();
    let done = ["New server registered.", "Server deleted."];
    if answer.is_empty() || done.contains(&answer) {
        return Ok(());
    }
    Err(SocketError::Refused { command: text, answer: answer.to_owned() })
}

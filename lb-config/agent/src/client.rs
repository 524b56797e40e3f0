//! The other end of the agent's socket, for the command line; and HAProxy asked past the agent.

use std::{
    error, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use busbar_lb_config::parse;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::{sleep, timeout},
};

use crate::{
    control::{Request, Response},
    folder::Folder,
    socket::show_info,
    verify::stats_socket,
};

/// A configuration that is tried and put back takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two questions to a HAProxy that is not there.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("reach the agent at {path}: does it run?")]
    Unreachable {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("get an answer of the agent")]
    Io(#[from] io::Error),
    #[error("get an answer of the agent within 120 s")]
    Timeout,
    #[error("understand the agent's answer")]
    Unreadable(#[from] serde_json::Error),
    #[error("get an answer of the agent, which has stopped")]
    Closed,
}

#[derive(Debug, thiserror::Error)]
#[error("get an answer of HAProxy at {path} within {within:?}")]
pub struct Silent {
    path: PathBuf,
    within: Duration,
    /// `None`: it takes the question and says nothing.
    #[source]
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// Whether the HAProxy of an agent with this folder answers at its runtime socket: the agent itself may be away. One that
/// is being started again has `within` for it.
pub async fn answers(folder: &Path, within: Duration) -> Result<(), Silent> {
    let folder = Folder::of_another(folder);
    let document = fs::read_to_string(folder.applied()).ok().and_then(|text| parse(&text).ok());
    let path = document.and_then(|document| stats_socket(&document)).unwrap_or_else(|| folder.stats_socket());
    let mut source = None;
    let asked = timeout(within, async {
        while let Err(error) = show_info(&path).await {
            source = Some(error.into());
            sleep(AGAIN).await;
        }
    });
    match asked.await {
        Ok(()) => Ok(()),
        Err(_) => Err(Silent { path, within, source }),
    }
}

/// One request to the agent that has this folder.
pub async fn ask(folder: &Path, request: Request) -> Result<Response, AskError> {
    let path = Folder::control_socket(folder);
    let unreachable = |source| AskError::Unreachable { path: path.display().to_string(), source };
    let asked = async {
        let stream = UnixStream::connect(&path).await.map_err(unreachable)?;
        let (reader, mut writer) = stream.into_split();
        let line = serde_json::to_string(&request)?;
        writer.write_all(format!("{line}\n").as_bytes()).await.map_err(cut_off)?;
        let mut answer = String::new();
        if BufReader::new(reader).read_line(&mut answer).await.map_err(cut_off)? == 0 {
            return Err(AskError::Closed);
        }
        Ok(serde_json::from_str(&answer)?)
    };
    timeout(PATIENCE, asked).await.map_err(|_| AskError::Timeout)?
}

/// An agent that stops cuts the connection at any point of it.
fn cut_off(error: io::Error) -> AskError {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => AskError::Closed,
        _ => AskError::Io(error),
    }
}

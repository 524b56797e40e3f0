//! The agent's socket for the command line: a request is a line of JSON, and so is its answer. The socket's mode lets in
//! its own user only.

use std::{fs, io, os::unix::fs::PermissionsExt, sync::Arc};

use busbar_lb_config::{Diff, Entry, Report};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{agent::Agent, folder::Folder};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    Status,
    /// The newest first.
    History,
    /// What `Apply` would change.
    Diff,
    /// What is wanted, even over edits by hand, and even if it was found bad before.
    Apply,
    /// `None`: to the good one before that in force. It is kept until `Resume`.
    Rollback {
        to: Option<u64>,
    },
    Resume,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Response {
    Status {
        report: Box<Report>,
    },
    History {
        entries: Vec<Entry>,
    },
    Diff {
        diff: Diff,
    },
    /// It is done: this is in force.
    Done {
        entry: Option<Entry>,
    },
    /// It is not done, and why.
    Refused {
        reason: String,
    },
}

pub(crate) struct Asked {
    request: Request,
    answer: oneshot::Sender<Response>,
}

/// Of a request.
const LINE_BYTES_MAX: u64 = 65_536;
/// At once.
const CONNECTIONS_MAX: usize = 16;

pub(crate) fn listen(folder: &Folder) -> io::Result<(mpsc::Receiver<Asked>, JoinHandle<()>)> {
    let path = Folder::control_socket(folder.path());
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The folder lets nobody else in meanwhile.
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let (sender, receiver) = mpsc::channel(CONNECTIONS_MAX);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let task = tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        if let Err(error) = serve(stream, sender).await {
                            tracing::debug!(%error, "a command's connection broke");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a command's connection was not accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok((receiver, task))
}

async fn serve(stream: UnixStream, sender: mpsc::Sender<Asked>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        if (&mut reader).take(LINE_BYTES_MAX).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let response = match serde_json::from_str(&line) {
            Ok(request) => ask(request, &sender).await,
            Err(error) => Response::Refused { reason: format!("the request is not understood: {error}") },
        };
        let mut text = serde_json::to_string(&response).map_err(io::Error::other)?;
        text.push('\n');
        writer.write_all(text.as_bytes()).await?;
        if !line.ends_with('\n') {
            return Ok(());
        }
    }
}

async fn ask(request: Request, sender: &mpsc::Sender<Asked>) -> Response {
    let (answer, answered) = oneshot::channel();
    let gone = || Response::Refused { reason: "the agent is stopping".to_owned() };
    if sender.send(Asked { request, answer }).await.is_err() {
        return gone();
    }
    answered.await.unwrap_or_else(|_| gone())
}

impl Agent {
    pub(crate) async fn answer(&mut self, asked: Asked) {
        let refused = |reason| Response::Refused { reason };
        let response = match asked.request {
            Request::Status => Response::Status { report: Box::new(self.report().await) },
            Request::History => {
                Response::History { entries: self.history.entries().iter().rev().cloned().collect() }
            }
            Request::Diff => self.outstanding().map_or_else(refused, |diff| Response::Diff { diff }),
            Request::Apply => match self.force().await {
                Ok(()) => Response::Done { entry: self.applied().cloned() },
                Err(reason) => refused(reason),
            },
            Request::Rollback { to } => match self.roll_back(to).await {
                Ok(entry) => Response::Done { entry: Some(entry) },
                Err(reason) => refused(reason),
            },
            Request::Resume => match self.resume().await {
                Ok(()) => Response::Done { entry: self.applied().cloned() },
                Err(reason) => refused(reason),
            },
        };
        self.report_soon();
        // Who asked may have gone.
        let _ = asked.answer.send(response);
    }

    async fn force(&mut self) -> Result<(), String> {
        if let Some(to) = self.held {
            return Err(format!("configuration {to} is held since a rollback: resume first"));
        }
        if self.wanted.is_none() {
            return Err("nothing is known yet of what is wanted".to_owned());
        }
        self.follow(true).await;
        match &self.failure {
            Some(reason) => Err(reason.clone()),
            None => {
                self.edit_failure = None;
                Ok(())
            }
        }
    }
}

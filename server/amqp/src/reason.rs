//! Why there is no connection, or why it ended, for a person to read.

use lapin::{ErrorKind, protocol::AMQPErrorKind};

/// Fits after "there is no connection: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("nothing was tried yet")]
    Untried,
    #[error("{address} can't be reached: {text}")]
    Unreachable { address: String, text: String },
    #[error("TLS with {address} failed: {text}")]
    Tls { address: String, text: String },
    #[error("the broker does not know user {username:?}, or the password is wrong")]
    Credentials { username: String },
    #[error("virtual host {vhost:?} does not exist, or this user may not use it: {text}")]
    Vhost { vhost: String, text: String },
    #[error("the broker gave no answer within {bound_s} s")]
    Silent { bound_s: u64 },
    #[error("the connection was lost: {text}")]
    Lost { text: String },
    #[error("the broker closed the connection: {text}")]
    Closed { text: String },
    #[error("what the broker sent can't be read: {text}")]
    Unreadable { text: String },
    #[error("the link was stopped")]
    Stopped,
}

impl Reason {
    /// Of an established connection.
    pub(crate) fn of(error: &lapin::Error) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::ProtocolError(error) => Self::Closed { text: error.get_message().to_string() },
            ErrorKind::ParsingError(_) => Self::Unreadable { text },
            ErrorKind::MissingHeartbeatError => {
                Self::Lost { text: "the broker's heartbeat stopped".to_owned() }
            }
            ErrorKind::IOError(error) => Self::Lost { text: error.to_string() },
            _ => Self::Lost { text },
        }
    }

    /// Of a connection that is not there yet.
    pub(crate) fn of_handshake(error: &lapin::Error, username: &str, vhost: &str) -> Self {
        match Self::of(error) {
            Self::Closed { text } if text.starts_with("ACCESS_REFUSED - Login") => {
                Self::Credentials { username: username.to_owned() }
            }
            Self::Closed { text } if text.starts_with("NOT_ALLOWED") => {
                Self::Vhost { vhost: vhost.to_owned(), text }
            }
            Self::Lost { text } => Self::Lost { text: format!("{text}, before the broker had let us in") },
            other => other,
        }
    }
}

/// What the broker said when it closed a channel; `None` if it was not the broker that did.
pub(crate) fn refusal(error: &lapin::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::ProtocolError(error) if matches!(error.kind(), AMQPErrorKind::Soft(_)) => {
            Some(error.get_message().to_string())
        }
        _ => None,
    }
}

/// Of what rustls says, the words that tell somebody what to do.
pub(crate) fn explain_tls(text: &str, server_name: &str) -> String {
    // One whose name is that of the authority shows by its signature.
    let plain = if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        "the broker's certificate is not from the authority that is trusted for it".to_owned()
    } else if text.contains("not valid for name") {
        format!("the broker's certificate is not for {server_name:?}")
    } else if text.to_lowercase().contains("expired") {
        "the broker's certificate has expired".to_owned()
    } else {
        return text.to_owned();
    };
    format!("{plain} ({text})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_explained() {
        let explained = explain_tls("invalid peer certificate: UnknownIssuer", "broker");
        assert!(explained.starts_with("the broker's certificate is not from the authority"), "{explained}");
        let explained =
            explain_tls("invalid peer certificate: certificate not valid for name \"x\"", "broker");
        assert!(explained.starts_with("the broker's certificate is not for \"broker\""), "{explained}");
        assert_eq!(explain_tls("alert", "broker"), "alert");
    }

    #[test]
    fn a_lost_handshake_says_so() {
        let error = lapin::Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(
            Reason::of_handshake(&error, "ada", "/").to_string(),
            "the connection was lost: connection reset, before the broker had let us in"
        );
    }
}

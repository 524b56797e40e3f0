//! What MariaDB and MySQL say of a failure, without what they say of values.

use mysql_async::{DriverError, Error, IoError, ServerError};

use crate::{
    ErrorKind, SqlError,
    message::{bounded, without_quoted},
    tls,
};

/// Of a statement.
pub(super) fn of(error: &Error) -> SqlError {
    match error {
        Error::Server(said) => {
            let kind = kind(said);
            let maybe_processed = matches!(kind, ErrorKind::ConnectionLost { .. });
            SqlError { kind, maybe_processed, sqlstate: Some(said.state.clone()) }
        }
        Error::Driver(DriverError::LocalInfile(_)) => {
            ErrorKind::InvalidStatement { text: "files of this machine are not sent".to_owned() }.undone()
        }
        other if is_too_large(other) => ErrorKind::TooLarge { bytes_max: 0 }.maybe(),
        other => ErrorKind::ConnectionLost { text: explain(other) }.maybe(),
    }
}

/// The driver's bound of a packet; it tells of it by the words of an error that it does not export.
fn is_too_large(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::PacketTooLarge) => true,
        Error::Io(IoError::Io(error)) => error.to_string().contains("max_allowed_packet"),
        _ => false,
    }
}

fn kind(said: &ServerError) -> ErrorKind {
    let text = bounded(&said.message);
    match said.code {
        3024 | 1969 => ErrorKind::StatementTimeout { bound: std::time::Duration::ZERO },
        1053 | 1927 | 4031 | 1080 | 1152 | 1158..=1161 => ErrorKind::ConnectionLost { text },
        1040 | 1203 | 1226 => ErrorKind::Busy { text },
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 => ErrorKind::Denied { text },
        1792 | 1290 | 1836 => ErrorKind::ReadOnly { text },
        1205 | 1213 | 1020 | 3572 => ErrorKind::Conflict { text },
        1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1048 | 1557 | 1586 | 1761 | 1762 | 3819 | 4025 => {
            constraint(said)
        }
        1264 | 1292 | 1365 | 1366 | 1406 | 1411 | 1690 => {
            ErrorKind::InvalidParameter { number: None, text: without_quoted(&said.message) }
        }
        _ => match said.state.get(..2).unwrap_or_default() {
            "22" => ErrorKind::InvalidParameter { number: None, text: without_quoted(&said.message) },
            "42" => ErrorKind::InvalidStatement { text },
            "23" => constraint(said),
            "40" => ErrorKind::Conflict { text },
            "08" => ErrorKind::ConnectionLost { text },
            _ if matches!(said.code, 1054 | 1146 | 1049 | 1295 | 1305 | 1243 | 1210) => {
                ErrorKind::InvalidStatement { text }
            }
            _ => ErrorKind::Other { text },
        },
    }
}

/// `Duplicate entry 'VALUE' for key 'NAME'`; in others only names are quoted.
fn constraint(said: &ServerError) -> ErrorKind {
    let duplicate = [1062, 1169, 1557, 1586, 1761, 1762].contains(&said.code);
    let mark = if said.message.contains("CONSTRAINT `") || !said.message.contains('\'') { '`' } else { '\'' };
    if !duplicate {
        let after = said.message.split_once("CONSTRAINT ").map_or(said.message.as_str(), |(_, after)| after);
        let name = after.split(mark).nth(1).map(str::to_owned);
        let text = bounded(&said.message);
        return ErrorKind::Constraint { name, text };
    }
    let name = said.message.trim_end_matches('\'').rsplit('\'').next().map(bounded);
    let text = match &name {
        Some(name) if said.message.ends_with('\'') => format!("duplicate entry for the key {name:?}"),
        _ => "duplicate entry".to_owned(),
    };
    ErrorKind::Constraint { name: name.filter(|_| said.message.ends_with('\'')), text }
}

pub(super) fn of_connecting(error: &Error) -> SqlError {
    let text = explain(error);
    match error {
        Error::Server(said) => {
            let kind = match said.code {
                1040 | 1203 | 1226 => ErrorKind::Busy { text },
                1044 | 1045 | 1049 | 1129 | 1130 | 1251 | 1698 | 1820 | 1862 | 3118 | 4151 => {
                    ErrorKind::LoginRefused { text }
                }
                _ => ErrorKind::Unreachable { text },
            };
            kind.undone().with_state(said.state.as_str())
        }
        Error::Io(IoError::Tls(_)) | Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            ErrorKind::Tls { text }.undone()
        }
        Error::Io(IoError::Io(error)) if tls::explain(error).is_some() => ErrorKind::Tls { text }.undone(),
        Error::Driver(DriverError::UnknownAuthPlugin { .. } | DriverError::CleartextPluginDisabled) => {
            ErrorKind::LoginRefused { text }.undone()
        }
        _ => ErrorKind::Unreachable { text }.undone(),
    }
}

/// For people.
pub(super) fn explain(error: &Error) -> String {
    match error {
        Error::Server(said) => bounded(&said.message),
        Error::Io(IoError::Io(error)) => tls::explain(error).unwrap_or_else(|| bounded(&error.to_string())),
        Error::Driver(DriverError::ConnectionClosed) => "it was closed".to_owned(),
        Error::Driver(DriverError::UnexpectedPacket { .. }) => "it sent something unexpected".to_owned(),
        Error::Driver(DriverError::FromValue { .. } | DriverError::FromRow { .. }) => {
            "it sent a value that can't be read".to_owned()
        }
        other => bounded(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, state: &str, message: &str) -> ErrorKind {
        kind(&ServerError { code, message: message.to_owned(), state: state.to_owned() })
    }

    #[test]
    fn values_are_left_out() {
        let kind = said(1062, "23000", "Duplicate entry 'it's secret' for key 'email'");
        assert_eq!(kind.to_string(), "duplicate entry for the key \"email\"");
        let kind = said(1366, "22007", "Incorrect integer value: 'secret' for column `a`.`b`.`c` at row 1");
        assert!(!kind.to_string().contains("secret"), "{kind}");
    }

    #[test]
    fn constraints_have_names() {
        for (code, message, name) in [
            (1062, "Duplicate entry '1' for key 'PRIMARY'", "PRIMARY"),
            (4025, "CONSTRAINT `positive` failed for `d`.`t`", "positive"),
            (
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`d`.`t`, CONSTRAINT `fk` FOREIGN KEY (`a`) REFERENCES `b` (`c`))",
                "fk",
            ),
            (1048, "Column 'sku' cannot be null", "sku"),
        ] {
            let ErrorKind::Constraint { name: found, .. } = said(code, "23000", message) else {
                panic!("{message}")
            };
            assert_eq!(found.as_deref(), Some(name));
        }
    }
}

//! The log of the bus, which adds correlation id, plugin and service. `info!("sent {n}")`, or with fields:
//! `info!(order = id, retries = n; "sent")`.

pub use crate::bindings::busbar::bus::log::Level;

use crate::host::log as bus;

pub fn write(level: Level, message: &str, fields: &[(String, String)]) {
    bus::write(level, message, fields);
}

/// Writes to the log: a level, optional fields and a semicolon, then what `format!` takes.
#[macro_export]
macro_rules! log {
    ($level:ident; $($field:ident = $value:expr),+ ; $($message:tt)+) => {
        $crate::log::write(
            $crate::log::Level::$level,
            &::std::format!($($message)+),
            &[$((::std::stringify!($field).to_owned(), ::std::string::ToString::to_string(&$value))),+],
        )
    };
    ($level:ident; $($message:tt)+) => {
        $crate::log::write($crate::log::Level::$level, &::std::format!($($message)+), &[])
    };
}

/// Logs at level trace; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! trace { ($($arguments:tt)+) => { $crate::log!(Trace; $($arguments)+) }; }

/// Logs at level debug; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! debug { ($($arguments:tt)+) => { $crate::log!(Debug; $($arguments)+) }; }

/// Logs at level info; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! info { ($($arguments:tt)+) => { $crate::log!(Info; $($arguments)+) }; }

/// Logs at level warn; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! warn { ($($arguments:tt)+) => { $crate::log!(Warn; $($arguments)+) }; }

/// Logs at level error; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! error { ($($arguments:tt)+) => { $crate::log!(Error; $($arguments)+) }; }

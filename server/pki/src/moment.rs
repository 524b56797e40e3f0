//! Times as certificates say them: whole seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::time::ASN1Time;

use crate::Error;

pub(crate) fn seconds(time: SystemTime) -> Result<i64, Error> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Error::Time)?;
    i64::try_from(since.as_secs()).map_err(|_| Error::Time)
}

/// Errors out for years that ASN.1 has no digits for (after 9999).
pub(crate) fn asn1(time: SystemTime) -> Result<ASN1Time, Error> {
    ASN1Time::from_timestamp(seconds(time)?).map_err(|_| Error::Time)
}

pub(crate) fn system(time: ASN1Time) -> Result<SystemTime, Error> {
    let seconds = u64::try_from(time.timestamp()).map_err(|_| Error::Time)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(Error::Time)
}

pub(crate) fn later(time: SystemTime, by: Duration) -> Result<SystemTime, Error> {
    time.checked_add(by).ok_or(Error::Time)
}

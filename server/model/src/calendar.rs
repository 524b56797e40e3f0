//! Calendars: days on which jobs are skipped.

use busbar_schedule::Rules;

use crate::{name::Name, time::Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub id: String,
    pub draft: Draft,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a calendar that its author decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: Name,
    pub rules: Rules,
}

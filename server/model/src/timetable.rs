//! All jobs and calendars: the definitions that workers need not know.

use crate::{calendar::Calendar, job::Job};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timetable {
    pub calendars: Vec<Calendar>,
    pub jobs: Vec<Job>,
}

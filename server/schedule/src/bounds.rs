//! Limits of schedules, with their units.

/// The shortest and the longest interval, in seconds: the longest is ten years.
pub const EVERY_S_MIN: u64 = 1;
pub const EVERY_S_MAX: u64 = 10 * 365 * 86_400;
/// Characters of an interval, of a cron expression and of a time zone.
pub const EVERY_CHARS_MAX: usize = 64;
pub const EXPRESSION_CHARS_MAX: usize = 256;
pub const ZONE_CHARS_MAX: usize = 64;
/// How often an interval may run in all.
pub const REPEATS_MAX: u64 = 1_000_000_000;
/// Runs that a misfire policy makes up for at most.
pub const CATCH_UP_MAX: u32 = 100;
/// The longest jitter.
pub const JITTER_MS_MAX: u64 = 3_600_000;
/// A run that is later than this has missed its time: the misfire policy decides about it.
pub const MISFIRE_AFTER_MS: i64 = 15_000;
/// Missed runs that are counted; of more it is said that there were at least so many.
pub const MISSED_COUNTED_MAX: u64 = 1_000;
/// Times on excluded days that are passed over before a calendar is said to exclude all of them.
pub const EXCLUDED_MAX: usize = 1_000;
/// Days in a row that a calendar may exclude and still be searched for the next one that it does not.
pub const EXCLUDED_DAYS_MAX: usize = 36_600;
/// Dates, ranges, and yearly rules of one calendar, each.
pub const CALENDAR_RULES_MAX: usize = 1_000;
/// Next runs that can be asked for at once.
pub const UPCOMING_MAX: usize = 100;

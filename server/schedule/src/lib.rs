//! When jobs run: schedules, calendars, misfire policies, and what is due. Pure: the time is an argument, nothing
//! waits, nothing is read or written.
//!
//! Times are instants of UTC with microseconds. A time zone matters where a schedule or a calendar speaks of hours
//! or days: `timing` says how the two meet where clocks are put forward or back.

pub mod bounds;

mod calendar;
mod cron;
mod every;
mod jitter;
mod misfire;
mod never;
mod plan;
mod schedule;
mod timing;
mod zone;

pub use calendar::{Date, MonthDay, Range, Rules, Weekday, Yearly};
pub use cron::Expression;
pub use every::Every;
pub use jitter::jitter_ms;
pub use misfire::Misfire;
pub use never::Never;
pub use plan::{Missed, Plan, Planning};
pub use schedule::{Cron, Interval, Mistake, Once, Schedule};
pub use timing::{Timing, Upcoming};
pub use zone::Zone;

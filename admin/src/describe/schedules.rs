//! Schedules and calendars, for the API's description.

use std::borrow::Cow;

use busbar_model::schedule::{
    Zone,
    bounds::{CALENDAR_RULES_MAX, CATCH_UP_MAX, EXPRESSION_CHARS_MAX, REPEATS_MAX},
};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema, Type,
        schema::{ArrayBuilder, OneOfBuilder},
    },
};

use super::{described, finished, members, name, nullable, one_of, text, time, whole};

/// Any year's days, and the one that leap years have more.
const DATE: &str = "^([0-9]{4}-(02-(0[1-9]|1[0-9]|2[0-8])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))\
    |([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$";
const MONTH_DAY: &str =
    r"^(02-(0[1-9]|[12][0-9])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))$";
/// As people write it, in any units.
const EVERY_GIVEN: &str =
    "(?=[1-9])([1-9][0-9]?w)?([1-9][0-9]{0,2}d)?([1-9][0-9]{0,3}h)?([1-9][0-9]{0,4}m)?([1-9][0-9]{0,6}s)?";
/// As it is shown from 100 weeks to ten years, each unit as large as it can be.
const EVERY_SHOWN: &str = "(([1-4][0-9]{2}|5[01][0-9]|520)w([1-6]d)?|521w([12]d)?)\
    ([1-9]h|1[0-9]h|2[0-3]h)?([1-5]?[1-9]m|[1-5]0m)?([1-5]?[1-9]s|[1-5]0s)?|521w3d";
/// Further values in each list of a cron expression's pattern: so few that no text which fits it is too long.
const LIST_MORE_MAX: usize = 7;
const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// A new calendar: `name` is required.
pub(crate) struct NewCalendar;

impl PartialSchema for NewCalendar {
    fn schema() -> RefOr<Schema> {
        members([
            ("name", name()),
            ("dates", calendar_dates_or_null()),
            ("ranges", calendar_ranges_or_null()),
            ("yearly", calendar_yearly_or_null()),
            ("weekdays", calendar_weekdays_or_null()),
        ])
        .required("name")
        .into()
    }
}

impl ToSchema for NewCalendar {
    fn name() -> Cow<'static, str> {
        "NewCalendar".into()
    }
}

fn days(item: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).max_items(Some(CALENDAR_RULES_MAX)).into()
}

fn ends(pattern: &str) -> RefOr<Schema> {
    let end = || finished(text().pattern(Some(pattern)));
    members([("from", end()), ("to", end())]).required("from").required("to").into()
}

/// A day of a calendar or of a dictionary.
pub(crate) fn date() -> RefOr<Schema> {
    finished(text().pattern(Some(DATE)).examples([json!("2026-12-25")]))
}

pub(crate) fn calendar_dates() -> RefOr<Schema> {
    days(date())
}

pub(crate) fn calendar_dates_or_null() -> RefOr<Schema> {
    nullable(calendar_dates())
}

pub(crate) fn calendar_ranges() -> RefOr<Schema> {
    days(ends(DATE))
}

pub(crate) fn calendar_ranges_or_null() -> RefOr<Schema> {
    nullable(calendar_ranges())
}

pub(crate) fn calendar_yearly() -> RefOr<Schema> {
    let day = finished(text().pattern(Some(MONTH_DAY)).examples([json!("12-25")]));
    days(OneOfBuilder::new().item(day).item(ends(MONTH_DAY)).into())
}

pub(crate) fn calendar_yearly_or_null() -> RefOr<Schema> {
    nullable(calendar_yearly())
}

pub(crate) fn calendar_weekdays() -> RefOr<Schema> {
    days(one_of(WEEKDAYS))
}

pub(crate) fn calendar_weekdays_or_null() -> RefOr<Schema> {
    nullable(calendar_weekdays())
}

pub(crate) fn misfire() -> RefOr<Schema> {
    let pattern = format!(r"^(skip|once|all\(([1-9][0-9]?|{CATCH_UP_MAX})\))$");
    finished(text().pattern(Some(pattern)).examples([json!("all(10)")]))
}

pub(crate) fn misfire_or_null() -> RefOr<Schema> {
    nullable(misfire())
}

/// Stands once in the description, and as a pattern: who tries what is described tries each word of an enumeration, in
/// everything that has a schedule.
pub(crate) struct TimeZone;

impl PartialSchema for TimeZone {
    fn schema() -> RefOr<Schema> {
        let names: Vec<String> = Zone::names().map(|name| name.replace('+', r"\+")).collect();
        let pattern = format!("^(?:{})$", names.join("|"));
        let zone = text().pattern(Some(pattern)).examples([json!("Europe/Berlin")]);
        described(finished(zone), "A name of the IANA time zone database. Default: UTC.")
    }
}

impl ToSchema for TimeZone {
    fn name() -> Cow<'static, str> {
        "TimeZone".into()
    }
}

/// One time, an interval, or a cron expression.
pub(crate) fn schedule() -> RefOr<Schema> {
    let zone = || RefOr::from(Ref::from_schema_name(TimeZone::name()));
    let kind = |kind| one_of([kind]);
    let once = members([("kind", kind("once")), ("at", time()), ("time_zone", zone())])
        .required("kind")
        .required("at");
    let interval = members([
        ("kind", kind("interval")),
        ("every", every()),
        ("start", described(nullable(time()), "Default: one interval after the job is saved.")),
        ("repeats", nullable(finished(whole(1, REPEATS_MAX)))),
        ("time_zone", zone()),
    ])
    .required("kind")
    .required("every");
    let expression = text()
        .description(Some(format!(
            "Five fields, or six with seconds first: second minute hour day month weekday. The pattern has what is \
             used most; longer lists, all ranges that rise, lists of them, steps within them, L, W and # are \
             accepted, too, up to {EXPRESSION_CHARS_MAX} characters.",
        )))
        .pattern(Some(expression_pattern()))
        .examples([json!("0 2 * * MON-FRI")]);
    let cron = members([("kind", kind("cron")), ("expression", expression.into()), ("time_zone", zone())])
        .required("kind")
        .required("expression");
    OneOfBuilder::new().item(once).item(interval).item(cron).into()
}

fn every() -> RefOr<Schema> {
    let pattern = format!("^({EVERY_GIVEN}|{EVERY_SHOWN})$");
    finished(text().pattern(Some(pattern)).examples([json!("1d12h")]))
}

/// Of each field: all, steps, a list of numbers or names, and those ranges of which a pattern sees that they rise.
fn expression_pattern() -> String {
    let field = |number: &str, step: &str, range: &str| {
        format!(r"(\*|\*/({step})|({number})(,({number})){{0,{LIST_MORE_MAX}}}|{range})")
    };
    let sixty = field("[1-5]?[0-9]", "[1-9]|[1-5][0-9]", "[12]?[0-9]-[3-5][0-9]");
    let hour = field("1?[0-9]|2[0-3]", "[1-9]|1[0-9]|2[0-3]", "([0-9]|1[01])-(1[2-9]|2[0-3])");
    let day = field("[1-9]|[12][0-9]|3[01]", "[1-9]|[12][0-9]", "([1-9]|1[0-5])-(1[6-9]|2[0-9]|3[01])");
    let month = field("[1-9]|1[0-2]", "[1-9]|1[0-2]", "[1-6]-([7-9]|1[0-2])");
    let weekdays = "[0-6]|SUN|MON|TUE|WED|THU|FRI|SAT";
    let weekday = field(weekdays, "[1-6]", "([0-3]-[4-6]|(MON|TUE|WED)-(THU|FRI|SAT))");
    format!("^({sixty} )?{sixty} {hour} {day} {month} {weekday}$")
}

/// Any JSON.
pub(crate) fn input() -> RefOr<Schema> {
    let types = vec![Type::Object, Type::Array, Type::String, Type::Number, Type::Boolean, Type::Null];
    let builder = utoipa::openapi::ObjectBuilder::new();
    finished(builder.schema_type(utoipa::openapi::schema::SchemaType::Array(types)))
}

#[cfg(test)]
mod tests {
    use busbar_model::schedule::Expression;

    use super::expression_pattern;

    #[test]
    fn what_the_pattern_shows_is_accepted() {
        let pattern = expression_pattern();
        for part in [r"\*/([1-9]|[12][0-9])", "(MON|TUE|WED)-(THU|FRI|SAT)"] {
            assert!(pattern.contains(part), "{pattern}");
        }
        for text in [
            "*/59 */23 */29 */12 */6",
            "0,59 0,23 1,31 1,12 0,6,SUN",
            "29-30 11-12 15-16 6-7 3-4",
            "59 1 2 3 4 WED-SAT",
        ] {
            assert!(text.parse::<Expression>().is_ok(), "{:?}", text.parse::<Expression>());
        }
    }
}

//! `busbar calendar`: days on which jobs do not run.

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::delete,
    failure::Usage,
    lookup::Kind,
    table::{Fields, Table},
};

const KIND: Kind = Kind { path: "/api/v1/calendars", noun: "calendar" };
const NONE: &str = "none";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists calendars.
    #[command(after_help = "Example:\n  busbar calendar list")]
    List,
    /// Shows a calendar.
    #[command(after_help = "Example:\n  busbar calendar show holidays")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a calendar.
    #[command(
        after_help = "Examples:\n  busbar calendar create holidays --yearly 12-25,12-26 --yearly 12-31/01-01 --date 2026-05-14\n  busbar calendar create closed --weekday SAT,SUN --range 2026-08-01/2026-08-14"
    )]
    Create {
        /// What it is called.
        name: String,
        #[command(flatten)]
        rules: Rules,
    },
    /// Changes a calendar; kinds of days that are not given stay, others are replaced.
    #[command(
        after_help = "Examples:\n  busbar calendar update holidays --date 2027-05-06\n  busbar calendar update closed --weekday none --rename summer"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Another name.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Removes a calendar that no job skips the days of.
    #[command(after_help = "Example:\n  busbar calendar delete holidays")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    /// A day: 2026-12-25; may be given more than once, `none` for no such days.
    #[arg(long = "date", value_name = "DAY", value_delimiter = ',')]
    dates: Vec<String>,
    /// Days from the first to the last: 2026-08-01/2026-08-14; may be given more than once, or `none`.
    #[arg(long = "range", value_name = "DAY/DAY", value_delimiter = ',')]
    ranges: Vec<String>,
    /// A day of each year, or several: 12-25, 12-31/01-01; may be given more than once, or `none`.
    #[arg(long, value_name = "DAY[/DAY]", value_delimiter = ',')]
    yearly: Vec<String>,
    /// A day of each week: MON to SUN; may be given more than once, or `none`.
    #[arg(long = "weekday", value_name = "DAY", value_delimiter = ',')]
    weekdays: Vec<String>,
}

impl Rules {
    /// The members that were given.
    fn body(self, name: Option<String>) -> anyhow::Result<Value> {
        let upper = |day: String| if day == NONE { day } else { day.to_ascii_uppercase() };
        let weekdays = self.weekdays.into_iter().map(upper).collect();
        let members = [
            ("name", name.map(Value::from)),
            ("dates", list("--date", self.dates, |day| Ok(day.into()))?),
            (
                "ranges",
                list("--range", self.ranges, |days| {
                    ends(&days)
                        .ok_or_else(|| Usage::error(format!("--range {days} has no / between two days")))
                })?,
            ),
            ("yearly", list("--yearly", self.yearly, |days| Ok(ends(&days).unwrap_or_else(|| days.into())))?),
            ("weekdays", list("--weekday", weekdays, |day| Ok(day.into()))?),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(given.collect::<Map<_, _>>()))
    }
}

fn ends(days: &str) -> Option<Value> {
    let (from, to) = days.split_once('/')?;
    Some(json!({"from": from, "to": to}))
}

/// What was given, if anything was; `none` is the empty list.
fn list(
    option: &str,
    given: Vec<String>,
    item: impl Fn(String) -> anyhow::Result<Value>,
) -> anyhow::Result<Option<Value>> {
    let none = given.iter().any(|item| item == NONE);
    match given.len() {
        0 => Ok(None),
        1 if none => Ok(Some(json!([]))),
        _ if none => Err(Usage::error(format!("{option} none goes with no other"))),
        _ => Ok(Some(given.into_iter().map(item).collect::<Result<_, _>>()?)),
    }
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    name: String,
    dates: Vec<String>,
    ranges: Vec<Ends>,
    yearly: Vec<Yearly>,
    weekdays: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Ends {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Yearly {
    Day(String),
    Days(Ends),
}

impl Ends {
    fn shown(&self) -> String {
        format!("{}/{}", self.from, self.to)
    }
}

impl View {
    fn ranges(&self) -> String {
        self.ranges.iter().map(Ends::shown).collect::<Vec<_>>().join(" ")
    }

    fn yearly(&self) -> String {
        let shown = |yearly: &Yearly| match yearly {
            Yearly::Day(day) => day.clone(),
            Yearly::Days(ends) => ends.shown(),
        };
        self.yearly.iter().map(shown).collect::<Vec<_>>().join(" ")
    }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list_all(session, &api).await.context("failed to list calendars"),
        Command::Show { key } => {
            let found = KIND.find(&api, &key).await;
            show(session, &found.with_context(|| format!("failed to show calendar {key}"))?)
        }
        Command::Create { name, rules } => {
            let body = rules.body(Some(name))?;
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&body)).await;
            show(session, &answer.and_then(|answer| answer.json()).context("failed to make the calendar")?)
        }
        Command::Update { key, rename, rules } => {
            let body = rules.body(rename)?;
            if body.as_object().is_some_and(Map::is_empty) {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let changed = update(&api, &key, &body).await;
            show(session, &changed.with_context(|| format!("failed to change calendar {key}"))?)
        }
        Command::Delete { key } => {
            delete(&api, &KIND, &key).await.with_context(|| format!("failed to delete calendar {key}"))?;
            Ok(session.output.note(&format!("calendar {key} is deleted"))?)
        }
    }
}

async fn list_all(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "DATES", "RANGES", "YEARLY", "WEEKDAYS"]);
    for calendar in views::<View>(&items)? {
        let (ranges, yearly) = (calendar.ranges(), calendar.yearly());
        let (dates, weekdays) = (calendar.dates.join(" "), calendar.weekdays.join(" "));
        table.row([calendar.name, dates, ranges, yearly, weekdays]);
    }
    Ok(session.output.table(&table)?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let calendar: View = view(value)?;
    let fields = Fields::default()
        .with("id", &calendar.id)
        .with("name", &calendar.name)
        .with("dates", calendar.dates.join(" "))
        .with("ranges", calendar.ranges())
        .with("yearly", calendar.yearly())
        .with("weekdays", calendar.weekdays.join(" "));
    Ok(session.output.fields(&fields)?)
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Command, run};
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
        let (mut session, out, err) = fake.session(false);
        let words = std::iter::once("calendar").chain(line.split_whitespace());
        let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        let calendar = json!({"id": "c1", "name": "closed", "dates": ["2026-05-14"], "ranges": [{"from": "2026-08-01",
            "to": "2026-08-14"}], "yearly": ["12-25", {"from": "12-31", "to": "01-01"}], "weekdays": ["SUN"]});
        match asked.line().as_str() {
            "GET /api/v1/calendars?limit=500" | "GET /api/v1/calendars?name=closed&limit=500" => {
                (200, json!({"items": [calendar], "next": null}))
            }
            "DELETE /api/v1/calendars/c1" => (204, Value::Null),
            "POST /api/v1/calendars" => (201, calendar),
            _ => (200, calendar),
        }
    }

    #[tokio::test]
    async fn lists_and_shows() {
        let fake = Fake::start(bus).await;
        let (_, list, _) = obey(&fake, "list").await;
        let expected = "\nclosed\t2026-05-14\t2026-08-01/2026-08-14\t12-25 12-31/01-01\tSUN\n";
        assert!(list.ends_with(expected), "{list}");
        let (_, show, _) = obey(&fake, "show closed").await;
        assert!(show.ends_with("yearly\t12-25 12-31/01-01\nweekdays\tSUN\n"), "{show}");
    }

    #[tokio::test]
    async fn sends_what_was_given_and_no_more() {
        let fake = Fake::start(bus).await;
        for line in [
            "create closed --date 2026-05-14 --range 2026-08-01/2026-08-14 --yearly 12-25,12-31/01-01 --weekday sun",
            "update closed --weekday none --rename open",
            "delete closed",
        ] {
            assert_eq!(obey(&fake, line).await.0, 0, "{line}");
        }
        let changes = fake.changes();
        let range = json!({"from": "2026-08-01", "to": "2026-08-14"});
        let yearly = json!(["12-25", {"from": "12-31", "to": "01-01"}]);
        assert_eq!(
            changes[0].json(),
            json!({"name": "closed", "dates": ["2026-05-14"], "ranges": [range], "yearly": yearly, "weekdays": ["SUN"]})
        );
        assert_eq!(changes[1].json(), json!({"name": "open", "weekdays": []}));
        assert_eq!(changes[2].line(), "DELETE /api/v1/calendars/c1");
    }

    #[tokio::test]
    async fn refuses_what_makes_no_sense() {
        let fake = Fake::start(bus).await;
        for line in
            ["update closed", "update closed --range 2026-08-01", "update closed --date none,2026-01-01"]
        {
            assert_eq!(obey(&fake, line).await.0, 2, "{line}");
        }
        assert!(fake.changes().is_empty());
    }
}

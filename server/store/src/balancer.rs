//! How the cluster's balancers balance, and what their agents said last.

use busbar_model::Timestamp;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::{
    change::{Action, By, Object, ObjectKind},
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{balancer, balancer_report},
};

const ROW: i32 = 1;
const WHAT: &str = "balancer";
/// Reports that are kept; the oldest make room.
const REPORTS_MAX: i64 = 64;

/// What balancers are set to, in their own words.
#[derive(Clone, Debug, PartialEq)]
pub struct Balancer {
    /// What is not named has its default.
    pub settings: Value,
    pub revision: i64,
}

/// What an agent said last.
#[derive(Clone, Debug, PartialEq)]
pub struct BalancerReport {
    pub agent: String,
    pub at: Timestamp,
    pub report: Value,
}

impl Odb {
    pub fn balancer(&self) -> Result<Balancer, Error> {
        find(&mut *self.connection()?)
    }

    /// Replaces the settings, if they are those that were `seen`.
    pub fn set_balancer(&self, by: &By, seen: Option<i64>, settings: &Value) -> Result<Balancer, Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection)?;
            if let Some(seen) = seen
                && seen != before.revision
            {
                return Err(Error::RevisionMismatch { current: before.revision });
            }
            if before.settings == *settings {
                return Ok(before);
            }
            let after = Balancer { settings: settings.clone(), revision: before.revision + 1 };
            let values =
                (balancer::settings_json.eq(settings.to_string()), balancer::revision.eq(after.revision));
            if diesel::update(balancer::table.find(ROW)).set(values.clone()).execute(connection)? == 0 {
                let values = (balancer::id.eq(ROW), values);
                diesel::insert_into(balancer::table).values(values).execute(connection)?;
            }
            let object = Object { kind: ObjectKind::Balancer, id: WHAT, name: WHAT };
            recorder.record(Action::Update, object, Some(before.settings), Some(settings.clone()));
            Ok(after)
        })
    }

    /// Takes the place of what the agent said before.
    pub fn report_balancer(&self, agent: &str, at: Timestamp, report: &Value) -> Result<(), Error> {
        self.write_beside(|connection| {
            let values =
                (balancer_report::at_us.eq(at.0), balancer_report::report_json.eq(report.to_string()));
            let own = balancer_report::table.find(agent);
            if diesel::update(own).set(values.clone()).execute(connection)? == 0 {
                let values = (balancer_report::agent.eq(agent), values);
                diesel::insert_into(balancer_report::table).values(values).execute(connection)?;
                forget_oldest(connection)?;
            }
            Ok(())
        })
    }

    /// Of each agent, by its name.
    pub fn balancer_reports(&self) -> Result<Vec<BalancerReport>, Error> {
        let rows = balancer_report::table
            .order(balancer_report::agent)
            .load::<(String, i64, String)>(&mut *self.connection()?)?;
        rows.into_iter()
            .map(|(agent, at, report)| {
                let report = serde_json::from_str(&report).map_err(Error::corrupt(WHAT, &agent))?;
                Ok(BalancerReport { agent, at: Timestamp(at), report })
            })
            .collect()
    }
}

fn find(connection: &mut AnyConnection) -> Result<Balancer, Error> {
    let row = balancer::table
        .find(ROW)
        .select((balancer::settings_json, balancer::revision))
        .first::<(String, i64)>(connection)
        .optional()?;
    let Some((settings, revision)) = row else { return Ok(Balancer { settings: json!({}), revision: 0 }) };
    let settings = serde_json::from_str(&settings).map_err(Error::corrupt(WHAT, WHAT))?;
    Ok(Balancer { settings, revision })
}

fn forget_oldest(connection: &mut AnyConnection) -> Result<(), Error> {
    let old = balancer_report::table
        .order(balancer_report::at_us.desc())
        .offset(REPORTS_MAX)
        .limit(REPORTS_MAX)
        .select(balancer_report::agent)
        .load::<String>(connection)?;
    diesel::delete(balancer_report::table.filter(balancer_report::agent.eq_any(old))).execute(connection)?;
    Ok(())
}

//! What stands in for systems of others: the answers that a case gives, by connection.

mod sql;
mod web;

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use busbar_engine::{
    request::Response,
    ways::{
        Cursor, Passage, Transaction, WayFuture, Ways,
        http::Outgoing,
        soap::{Failure as Refusal, Operation},
        sql::Statement,
        unfit,
    },
};
use busbar_model::{
    Connection, Fault, Name, Timestamp,
    connection::{self, Client, Http, Soap, Sql, http::Settings, soap::Documents},
    fault::FaultKind,
    sql::{Begin, Rows},
};
use bytes::Bytes;

use super::{
    case::connection::{HttpAnswer, Others, SoapAnswer, SqlAnswer},
    comparison::Failure,
};

/// Of all connections that a case gives. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    left: BTreeMap<Name, Others>,
    /// What the case gives no answer for.
    unanswered: Vec<Failure>,
}

impl Script {
    pub(super) fn new(connections: &BTreeMap<Name, Others>) -> Self {
        let told = Told { left: connections.clone(), unanswered: Vec::new() };
        Self(Arc::new(Mutex::new(told)))
    }

    /// What was asked without an answer, and what was answered without being asked.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let told = self.lock();
        let mut failures = told.unanswered.clone();
        let mut unused = |name: &Name, kind: &str, what: &str| {
            let place = format!("connections/{name}/{kind}: nobody asked for {what}");
            failures.push(Failure::new(place, None, None));
        };
        for (name, others) in &told.left {
            for one in others.http.iter().flatten() {
                unused(name, connection::http::KIND, &one.asked());
            }
            for one in others.soap.iter().flatten() {
                unused(name, connection::soap::KIND, one.asked());
            }
            for one in others.sql.iter().flatten() {
                unused(name, connection::sql::KIND, &one.statement);
            }
        }
        failures
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first answer that is left and fits; `asked` is what for. `kind` is what the connection must be of.
    fn take<T>(
        &self,
        passage: &Passage,
        kind: &str,
        of: impl FnOnce(&mut Others) -> &mut Option<Vec<T>>,
        fits: impl Fn(&T) -> bool,
        asked: impl FnOnce() -> String,
    ) -> Result<T, Fault> {
        let connection = passage.connection();
        let mut told = self.lock();
        let answers = told.left.get_mut(&connection.name).map(of).and_then(Option::as_mut);
        let answers = answers.ok_or_else(|| unfit(connection, kind))?;
        if let Some(at) = answers.iter().position(fits) {
            return Ok(answers.remove(at));
        }
        let place =
            format!("connections/{}/{kind}: the case gives no answer to {}", connection.name, asked());
        told.unanswered.push(Failure::new(place, None, None));
        Err(Fault::internal(FaultKind::Failed).with_code("no-answer-given"))
    }
}

impl Ways for Script {
    fn http(&self, passage: Passage, request: Outgoing) -> WayFuture<Response> {
        let script = self.clone();
        Box::pin(async move {
            let asked = web::Asked::read(request).await?;
            let kind = connection::http::KIND;
            let fits = |one: &HttpAnswer| asked.is_met_by(one);
            let answer =
                script.take(&passage, kind, |others| &mut others.http, fits, || asked.to_string())?;
            web::reply(answer.reply, answer.fault)
        })
    }

    fn soap(&self, passage: Passage, operation: String, input: Bytes) -> WayFuture<Bytes, Refusal> {
        let fits = |one: &SoapAnswer| one.is_to(&operation, &input);
        let asked = || format!("{operation} {}", String::from_utf8_lossy(&input));
        let answer = self.take(&passage, connection::soap::KIND, |others| &mut others.soap, fits, asked);
        Box::pin(ready(answer.map_err(Refusal::from).and_then(SoapAnswer::outcome)))
    }

    fn exchange(&self, passage: Passage, action: String, envelope: Outgoing) -> WayFuture<Response> {
        drop(envelope);
        let fits = |one: &SoapAnswer| one.action.as_ref() == Some(&action);
        let asked = || format!("an envelope with the action {action:?}");
        let answer = self.take(&passage, connection::soap::KIND, |others| &mut others.soap, fits, asked);
        Box::pin(ready(answer.and_then(|answer| web::reply(answer.reply, answer.fault))))
    }

    /// Those that the case answers; their schemas are the WSDL's, which is not here.
    fn operations(&self, passage: Passage) -> WayFuture<Vec<Operation>> {
        let told = self.lock();
        let others = told.left.get(&passage.connection().name);
        let answers = others.and_then(|others| others.soap.as_ref());
        let operations = answers.ok_or_else(|| unfit(passage.connection(), connection::soap::KIND));
        let operations = operations.map(|answers| {
            let names = answers.iter().filter_map(|one| one.operation.clone());
            names.map(|name| Operation { name, input_schema: None, output_schema: None }).collect()
        });
        Box::pin(ready(operations))
    }

    fn query(&self, passage: Passage, statement: Statement) -> WayFuture<Rows> {
        Box::pin(ready(self.statement(&passage, &statement).and_then(SqlAnswer::rows)))
    }

    fn execute(&self, passage: Passage, statement: Statement) -> WayFuture<u64> {
        Box::pin(ready(self.statement(&passage, &statement).and_then(SqlAnswer::affected)))
    }

    fn open(&self, passage: Passage, statement: Statement) -> WayFuture<Box<dyn Cursor>> {
        let rows = self.statement(&passage, &statement).and_then(SqlAnswer::rows);
        Box::pin(ready(rows.map(sql::cursor)))
    }

    fn begin(&self, passage: Passage, _: Begin) -> WayFuture<Box<dyn Transaction>> {
        Box::pin(ready(sql::begin(self.clone(), passage)))
    }
}

/// A connection as the catalog has it. Nothing is sent to where it says.
pub(super) fn connection(name: Name, others: &Others) -> Connection {
    let settings = Settings::new(&format!("http://{name}.invalid"));
    let http = Http { settings, credential: None, client_key: None };
    let client = match others {
        Others { http: Some(_), .. } => Client::Http(http),
        Others { soap: Some(_), .. } => Client::Soap(Soap::new(http, Documents { documents: Vec::new() })),
        _ => Client::Sql(Sql::file(format!("/{name}"))),
    };
    let (created_at, updated_at) = (Timestamp(0), Timestamp(0));
    Connection { id: name.to_string(), name, active: true, client, revision: 1, created_at, updated_at }
}

//! The load balancers before the servers: `/api/v1/balancer`.
//!
//! How they balance is said here once for all of them; where each listens, and its certificates, are of its host.
//! Agents take what is wanted from `state` and say how they do.

mod wishes;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use busbar_lb_config::{self as lb, Address, Bounded, HostName, Name, Settings};
use busbar_model::{
    Timestamp,
    server::{Server, WEIGHT_MAX, Wanted},
};
use busbar_pki::{Cluster, Role, role_host};
use busbar_store::Odb;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::wishes::Wishes;
use crate::{
    app::App,
    body::{Input, typed},
    caller::{Caller, Key},
    clock, describe,
    etag::{self, IfMatch},
    member::Whole,
    openapi::Conflict,
    problem::{Kind, Problem},
    servers,
};

pub(crate) const STATE: &str = "/api/v1/balancer/state";
pub(crate) const REPORTS: &str = "/api/v1/balancer/reports";

/// Members of the settings that are of a balancer's host: its agent has them from its own settings.
const OF_THE_HOST: [&str; 5] = ["front_end", "hop", "stats_socket", "log", "threads"];

/// How balancers balance, whom they send calls to, and how they do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balancer)]
pub(crate) struct View {
    /// algorithm, timeouts, health, retries, `connections_max`, `buffer_bytes`, `slow_start_ms` and `stop_after_ms`,
    /// with their defaults.
    #[schema(value_type = Object)]
    settings: Value,
    servers: Vec<ServerView>,
    agents: Vec<Agent>,
}

/// A server as balancers see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BalancedServer)]
pub(crate) struct ServerView {
    name: String,
    address: String,
    /// Its share of the calls beside the others' weights.
    weight: u16,
    /// ready or drain.
    wanted: &'static str,
}

/// What an agent said last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BalancerAgent)]
pub(crate) struct Agent {
    name: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What is in force (applied), how that is to what is wanted (standing), the process (haproxy), its servers with
    /// their statistics, and what was found in the configuration (findings).
    #[schema(value_type = Object)]
    report: Value,
}

/// The balancers.
#[utoipa::path(get, path = "/api/v1/balancer", tag = "balancer",
    responses((status = 200, description = "The balancers.", body = View, headers(("ETag" = String)))))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.read(view).await.map(|(revision, view)| etag::tagged(revision, view))
}

/// Set how they balance. What is not named has its default.
#[utoipa::path(put, path = "/api/v1/balancer", tag = "balancer", params(IfMatch), request_body = Wishes,
    responses((status = 200, description = "The balancers as they are to be now.", body = View,
        headers(("ETag" = String))), Conflict))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    IfMatch(seen): IfMatch,
    Input(settings): Input<Map<String, Value>>,
) -> Result<Response, Problem> {
    if let Some(name) = OF_THE_HOST.iter().find(|name| settings.contains_key(**name)) {
        let text = format!(
            "{name} is of each balancer's host, not of all of them (what can be set there stands in the section [balancer] of busbar.toml)"
        );
        return Err(Problem::invalid_at(format!("/{name}"), text));
    }
    let wishes: Wishes = typed(Value::Object(settings))?;
    let settings = json!(wishes);
    let understood: Settings = typed(settings.clone())?;
    lb::State::new(0, Vec::new(), understood).map_err(conflict)?;
    app.answer(move |odb| {
        odb.set_balancer(&by, seen, &settings)?;
        let (revision, view) = view(odb)?;
        Ok(etag::tagged(revision, view))
    })
    .await
}

/// What agents are to bring about.
#[utoipa::path(get, path = "/api/v1/balancer/state", tag = "balancer",
    responses((status = 200, description = "version, servers and settings.", body = Object), Conflict))]
pub(crate) async fn state(State(app): State<Arc<App>>) -> Result<Json<lb::State>, Problem> {
    app.read(desired).await.map(Json)
}

/// What an agent says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BalancerReport)]
pub(crate) struct Said {
    /// Its name.
    #[schema(schema_with = describe::name)]
    agent: String,
    /// As the agent's version has it.
    #[schema(value_type = Object)]
    report: Map<String, Value>,
}

/// Say how a balancer does. For its agent.
#[utoipa::path(post, path = "/api/v1/balancer/reports", tag = "balancer", request_body = Said,
    responses((status = 204, description = "It is kept until the next one.")))]
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    Input(Said { agent, report }): Input<Said>,
) -> Result<Response, Problem> {
    let report = Value::Object(report);
    let agent: busbar_model::Name =
        agent.parse().map_err(|error: <busbar_model::Name as std::str::FromStr>::Err| {
            Problem::invalid_at("/agent", error.to_string())
        })?;
    app.read(move |odb| Ok(odb.report_balancer(agent.as_str(), clock::now(), &report)?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A server's weight.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServerPatch)]
pub(crate) struct Patch {
    /// Its share of the calls beside the others' weights; 0 is as draining.
    #[schema(value_type = u16, minimum = 0, maximum = 256)]
    weight: Whole,
}

/// Set a server's share of the calls.
#[utoipa::path(patch, path = "/api/v1/servers/{id}", tag = "servers", params(("id" = String, Path)),
    request_body = Patch, responses((status = 200, description = "The server as it is now.", body = servers::View)))]
pub(crate) async fn weigh(
    State(app): State<Arc<App>>,
    Caller(by): Caller,
    Key(id): Key,
    Input(Patch { weight }): Input<Patch>,
) -> Result<Response, Problem> {
    let weight =
        weight.within(0, WEIGHT_MAX.into()).map_err(|reason| Problem::invalid_at("/weight", reason))?;
    let weight = u16::try_from(weight).unwrap_or(WEIGHT_MAX);
    app.answer(move |odb| {
        odb.weigh_server(&by, &servers::find(odb, &id)?.id, weight)?;
        Ok(Json(servers::view(odb, &id)?).into_response())
    })
    .await
}

fn view(odb: &Odb) -> Result<(i64, View), Problem> {
    let (balancer, state) = (odb.balancer()?, desired(odb)?);
    let mut settings = json!(state.settings());
    if let Some(settings) = settings.as_object_mut() {
        settings.retain(|name, _| !OF_THE_HOST.contains(&name.as_str()));
    }
    let servers = state.servers().iter().map(|server| ServerView {
        name: server.name.to_string(),
        address: server.address.to_string(),
        weight: u16::try_from(server.weight.get()).unwrap_or(WEIGHT_MAX),
        wanted: if server.wanted == lb::Wanted::Drain { "drain" } else { "ready" },
    });
    let agents = odb.balancer_reports()?.into_iter();
    let agents = agents.map(|said| Agent { name: said.agent, at: said.at, report: said.report });
    Ok((balancer.revision, View { settings, servers: servers.collect(), agents: agents.collect() }))
}

/// Every server that has an address, those that are away included: a balancer sees for itself who answers.
fn desired(odb: &Odb) -> Result<lb::State, Problem> {
    let (head, balancer) = (odb.head()?, odb.balancer()?);
    // What servers' certificates are for, where they have any.
    let cluster = odb.trust()?.map(|trust| trust.cluster.parse()).transpose().map_err(Problem::internal)?;
    let settings: Settings = serde_json::from_value(balancer.settings).map_err(Problem::internal)?;
    let mut servers: Vec<lb::Server> = Vec::new();
    let mut known = odb.servers()?;
    // Of two with one address the one that was heard of last is meant.
    known.sort_by_key(|server| std::cmp::Reverse(server.heartbeat_at));
    for server in known {
        match balanced(&server, cluster.as_ref()) {
            None => {}
            // One that is set wrongly does not keep the others from being balanced.
            Some(Ok(found)) if servers.iter().any(|other| other.address == found.address) => {
                tracing::debug!(server = %server.name, address = %found.address, "another server has this server's address");
            }
            Some(Ok(server)) => servers.push(server),
            Some(Err(reason)) => {
                tracing::warn!(server = %server.name, reason, "balancers can't send calls to a server")
            }
        }
    }
    servers.sort_by(|one, other| one.name.cmp(&other.name));
    lb::State::new(head.version, servers, settings).map_err(conflict)
}

fn conflict(conflict: lb::Conflict) -> Problem {
    Problem::new(Kind::Conflict, conflict.to_string()).with_code("balancer-conflict")
}

fn balanced(server: &Server, cluster: Option<&Cluster>) -> Option<Result<lb::Server, String>> {
    let address = server.standing.address.as_ref()?;
    let made = || {
        let name = Name::new(server.name.as_str()).map_err(|error| error.to_string())?;
        let address = Address::new(address).map_err(|error| error.to_string())?;
        let weight = Bounded::nearest(u64::from(server.standing.weight));
        let wanted = match server.standing.wanted {
            Wanted::Serve => lb::Wanted::Ready,
            Wanted::Drain => lb::Wanted::Drain,
        };
        let mut made = lb::Server { weight, wanted, ..lb::Server::new(name, address) };
        if let Some(cluster) = cluster
            && let Ok(name) = server.name.as_str().parse()
        {
            let host = role_host(cluster, Role::Server, &name);
            made.server_name = Some(HostName::new(&host).map_err(|error| error.to_string())?);
        }
        Ok(made)
    };
    Some(made())
}

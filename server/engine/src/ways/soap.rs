//! SOAP outwards.

use std::sync::Arc;

use busbar_model::{Fault, bounds, fault::FaultKind};
use bytes::Bytes;

use super::{
    Passage, Ways,
    http::{Given, Outgoing},
    there,
};
use crate::{body::Body, ports::Origin, request::Response};

/// What the other side offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub name: String,
    /// JSON Schema as text; `None`: there is nothing to give, or nothing comes back.
    pub input_schema: Option<String>,
    pub output_schema: Option<String>,
}

/// A fault that the other side answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartnerFault {
    pub code: String,
    pub subcodes: Vec<String>,
    pub message: String,
    pub role: Option<String>,
    /// As XML.
    pub detail: Option<String>,
    /// The name of an element that is described, and what is in it as JSON.
    pub described: Option<(String, String)>,
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Partner(Box<PartnerFault>),
    Bus(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Bus(fault)
    }
}

/// A call of an operation; both sides are JSON.
pub async fn call(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    operation: String,
    input: String,
) -> Result<String, Failure> {
    let passage = Passage::of(origin, connection)?;
    let output = there(ways)?.soap(passage, operation, Bytes::from(input)).await?;
    Ok(String::from_utf8(output.into()).map_err(|_| Fault::internal(FaultKind::Failed))?)
}

/// An envelope as it is.
pub async fn exchange(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    action: String,
    content_type: String,
    envelope: Body,
) -> Result<Response, Fault> {
    let passage = Passage::of(origin, connection)?;
    let body = Body::from(envelope.collect(bounds::DELIVERY_BYTES_MAX).await.map_err(crate::invoke::broken)?);
    let given = Given {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        content_type: Some(content_type),
        body,
        ..Given::default()
    };
    there(ways)?.exchange(passage, action, Outgoing::try_from(given)?).await
}

pub async fn operations(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
) -> Result<Vec<Operation>, Fault> {
    let passage = Passage::of(origin, connection)?;
    there(ways)?.operations(passage).await
}

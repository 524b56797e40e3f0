//! An order, as it is kept and as callers get it.

use busbar_sdk::prelude::*;

#[data]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) email: String,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) total_cents: u64,
    /// ISO 4217.
    pub(crate) currency: String,
    /// The partner's code, where there is a dictionary of countries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
}

#[data]
pub(crate) struct PricedLine {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price_cents: u64,
}

/// Where an order is kept.
pub(crate) fn key(id: &str) -> String {
    format!("order/{id}")
}

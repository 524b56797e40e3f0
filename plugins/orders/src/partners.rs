//! The systems of others that an order meets. Each is used where the plugin's configuration names what leads to it;
//! without them an order meets the services beside this one.

use busbar_sdk::prelude::*;

#[input]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(crate) struct Partners {
    /// A connection of kind http: `GET /prices/{sku}` tells what an article costs.
    pub(crate) prices: Option<String>,
    /// A connection of kind sql, to PostgreSQL: tables `stock` and `reservation`.
    pub(crate) stock: Option<String>,
    /// A connection of kind soap: its operation `ConfirmOrder` confirms an order.
    pub(crate) confirmations: Option<String>,
    /// A dictionary that leads from the system `shop` to `partner`.
    pub(crate) countries: Option<String>,
}

impl Partners {
    pub(crate) fn known() -> Result<Self, Fault> {
        config::all()
    }
}

//! Reading an order.

use busbar_sdk::prelude::*;

use crate::order::{Order, key};

#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Get {
    id: String,
}

/// Gives an order.
#[service(rest = "GET /orders/{id}", soap = "/soap/orders")]
pub(crate) fn get(input: Get) -> Result<Order, Fault> {
    let order = kv::get_json::<Order>(&key(&input.id))?;
    order
        .map(|order| order.value)
        .ok_or_else(|| Fault::reject("order-unknown", "there is no such order").status(404))
}

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::{Value, json};
    use busbar_sdk::testing::TestHost;

    use super::*;

    #[test]
    fn an_order_is_found_by_its_id() {
        let order = json!({
            "id": "1", "customer": "Ada", "email": "ada@example.org", "total_cents": 450, "currency": "EUR",
            "lines": [{"sku": "tea", "quantity": 1, "unit_price_cents": 450}],
        });
        let host = TestHost::new().kv("order/1", &order);
        assert_eq!(host.call::<get>(&json!({"id": "1"})).output::<Value>(), order);
        let outcome = host.call::<get>(&json!({"id": "2"}));
        assert_eq!((outcome.fault().code.as_str(), outcome.fault().status), ("order-unknown", Some(404)));
    }
}

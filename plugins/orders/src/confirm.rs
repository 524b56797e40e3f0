//! Confirming an order to a partner that speaks SOAP.

use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{Value, json};

use crate::order::Order;
use crate::partners::Partners;

/// Confirms an order. A delivery calls it until the partner has answered, who knows an order by its number and confirms
/// it once.
#[service]
pub(crate) fn confirm(order: Order) -> Result<(), Fault> {
    let Some(partner) = Partners::known()?.confirmations else {
        return Err(Fault::fail("the configuration names no partner for confirmations"));
    };
    let mut input = json!({
        "order": order.id,
        "customer": order.customer,
        "totalCents": order.total_cents,
        "currency": order.currency,
    });
    if let Some(country) = order.country {
        input["country"] = country.into();
    }
    let confirmed: Value = soap::call(&partner, "ConfirmOrder", &input)?;
    info!(order = order.id, reference = confirmed["reference"].as_str().unwrap_or_default(); "the partner confirmed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use busbar_sdk::testing::TestHost;

    use super::*;

    fn order() -> Value {
        json!({"id": "1", "customer": "Ada", "email": "ada@example.org", "lines": [], "total_cents": 450,
            "currency": "EUR", "country": "276"})
    }

    #[test]
    fn the_partner_gets_the_order() {
        let host = TestHost::new().config(json!({"confirmations": "partner"}));
        let host = host.soap("partner", |call| {
            assert_eq!((call.operation.as_str(), &call.input["country"]), ("ConfirmOrder", &json!("276")));
            Ok(json!({"reference": "P-1"}))
        });
        host.call::<confirm>(&order()).value();
    }

    #[test]
    fn a_partner_that_is_away_is_asked_again() {
        let host = TestHost::new().config(json!({"confirmations": "partner"}));
        let host = host.soap("partner", |_| Err(Fault::retry_after(1, "away").code("unreachable").into()));
        let outcome = host.call::<confirm>(&order());
        assert_eq!(outcome.fault().code, "unreachable");
    }
}

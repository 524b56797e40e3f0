//! Knows what things cost: from the plugin's config, else from a table of its own.

use std::collections::BTreeMap;

use busbar_sdk::prelude::*;

/// Prices in cents where the config has none.
const PRICES: [(&str, u64); 4] = [("tea", 450), ("coffee", 990), ("mug", 1_250), ("pot", 3_900)];

/// What is to be priced.
#[input]
#[serde(deny_unknown_fields)]
struct Lookup {
    sku: String,
}

#[output]
struct Price {
    sku: String,
    unit_price_cents: u64,
}

/// Tells the price of one thing. Its config: `{"prices": {"tea": 450}}`.
#[service]
fn lookup(input: Lookup) -> Result<Price, Fault> {
    let found = match config::get::<BTreeMap<String, u64>>("prices")? {
        Some(prices) => prices.get(&input.sku).copied(),
        None => PRICES.iter().find(|(sku, _)| *sku == input.sku).map(|(_, price)| *price),
    };
    let unit_price_cents = found.ok_or_else(|| {
        Fault::reject("sku-unknown", "nothing has this sku").status(404).error("/sku", "is not known")
    })?;
    Ok(Price { sku: input.sku, unit_price_cents })
}

plugin!(lookup);

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::{Value, json};
    use busbar_sdk::testing::TestHost;

    use super::*;

    #[test]
    fn the_price_is_in_the_table() {
        let price: Value = TestHost::new().call::<lookup>(&json!({"sku": "tea"})).output();
        assert_eq!(price, json!({"sku": "tea", "unit_price_cents": 450}));
    }

    #[test]
    fn the_config_replaces_the_table() {
        let host = TestHost::new().config(json!({"prices": {"sugar": 120}}));
        assert_eq!(host.call::<lookup>(&json!({"sku": "sugar"})).output::<Value>()["unit_price_cents"], 120);
        let outcome = host.call::<lookup>(&json!({"sku": "tea"}));
        assert_eq!((outcome.fault().code.as_str(), outcome.fault().status), ("sku-unknown", Some(404)));
    }
}

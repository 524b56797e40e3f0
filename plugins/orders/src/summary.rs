//! Counting the orders of a day; a job calls it each night.

use busbar_sdk::prelude::*;

use crate::day::Day;

#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    /// Which day: 0, the default, is today in UTC.
    #[serde(default)]
    #[schemars(range(max = 36_500))]
    days_ago: u32,
}

#[data]
pub(crate) struct Summed {
    day: String,
    orders: u64,
}

/// Tells how many orders were taken on a day.
#[service]
pub(crate) fn summary(input: Summary) -> Result<Summed, Fault> {
    let day = Day::ago(input.days_ago);
    let orders = kv::get_json::<u64>(&day.key())?.map_or(0, |count| count.value);
    let day = day.date();
    info!(day = day, orders = orders; "orders of a day");
    Ok(Summed { day, orders })
}

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::{Value, json};
    use busbar_sdk::testing::TestHost;

    use super::*;

    #[test]
    fn the_orders_of_a_day_are_counted() {
        let host = TestHost::new().kv("taken/2025-12-31", &json!(7));
        let sum = |input: Value| host.call::<summary>(&input).output::<Value>();
        assert_eq!(sum(json!({"days_ago": 1})), json!({"day": "2025-12-31", "orders": 7}));
        assert_eq!(sum(json!({})), json!({"day": "2026-01-01", "orders": 0}));
    }
}

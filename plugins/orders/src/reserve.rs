//! The stock, in a database of others: asked when an order is taken, and taken from when that is certain.

use busbar_sdk::prelude::*;

use crate::order::PricedLine;
use crate::partners::Partners;
use crate::submit::refused;

#[data]
#[serde(deny_unknown_fields)]
pub(crate) struct Reservation {
    pub(crate) order: String,
    pub(crate) lines: Vec<Item>,
}

#[data]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

impl Reservation {
    pub(crate) fn of(order: &str, lines: &[PricedLine]) -> Self {
        let item = |line: &PricedLine| Item { sku: line.sku.clone(), quantity: line.quantity };
        Self { order: order.to_owned(), lines: lines.iter().map(item).collect() }
    }
}

/// Refuses what there is not enough of.
pub(crate) fn check(connection: &str, lines: &[PricedLine]) -> Result<(), Fault> {
    let mut short = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let rows = sql::query(connection, "select quantity from stock where sku = $1", &[&line.sku])?;
        let quantity = rows.at_most_one::<i64>()?.unwrap_or_default();
        if quantity < i64::from(line.quantity) {
            short.push((format!("/lines/{at}/quantity"), format!("there are {quantity} of {:?}", line.sku)));
        }
    }
    refused(Fault::reject("out-of-stock", "not all of the order is there").status(409), short)
}

/// Takes an order's articles from the stock. A delivery calls it, maybe more than once: the order's row tells that it
/// was here.
#[service]
pub(crate) fn reserve(input: Reservation) -> Result<(), Fault> {
    let Some(stock) = Partners::known()?.stock else {
        return Err(Fault::fail("the configuration names no stock"));
    };
    sql::transaction(&stock, |tx| {
        let insert = "insert into reservation (order_id) values ($1) on conflict do nothing";
        if tx.execute(insert, &[&input.order])? == 0 {
            return Ok(());
        }
        for line in &input.lines {
            let update = "update stock set quantity = quantity - $1 where sku = $2";
            tx.execute(update, &[&line.quantity, &line.sku])?;
        }
        Ok(())
    })?;
    info!(order = input.order; "took an order's articles from the stock");
    Ok(())
}

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::json;
    use busbar_sdk::testing::{Script, TestHost};

    use super::*;

    const INSERT: &str = "insert into reservation (order_id) values ($1) on conflict do nothing";
    const UPDATE: &str = "update stock set quantity = quantity - $1 where sku = $2";

    fn host(script: Script) -> TestHost {
        TestHost::new().config(json!({"stock": "stock"})).sql("stock", script)
    }

    #[test]
    fn articles_are_taken_once() {
        let input = json!({"order": "1", "lines": [{"sku": "tea", "quantity": 2}]});
        let first = host(Script::new().changed(INSERT, 1).changed(UPDATE, 1));
        first.call::<reserve>(&input).value();
        assert!(first.unsent("stock").is_empty());
        let again = host(Script::new().changed(INSERT, 0));
        again.call::<reserve>(&input).value();
        assert!(again.unsent("stock").is_empty());
    }

    #[test]
    fn what_there_is_not_enough_of_is_told_with_its_place() {
        let question = "select quantity from stock where sku = $1";
        let script =
            Script::new().rows(question, &["quantity"], &[&[&3_i64]]).rows(question, &["quantity"], &[]);
        let line = |sku: &str| PricedLine { sku: sku.to_owned(), quantity: 3, unit_price_cents: 1 };
        let outcome = host(script).run(|| check("stock", &[line("tea"), line("ink")]));
        assert_eq!((outcome.fault().code.as_str(), outcome.fault().status), ("out-of-stock", Some(409)));
        assert_eq!(outcome.fault().errors[0].path, "/lines/1/quantity");
    }
}

//! What the lines of an order cost.

use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::json;

use crate::order::PricedLine;
use crate::partners::Partners;
use crate::submit::{Line, refused};

#[input]
struct Price {
    unit_price_cents: u64,
}

/// All that is not for sale is told at once.
pub(crate) fn priced(lines: Vec<Line>, partners: &Partners) -> Result<Vec<PricedLine>, Fault> {
    let prices = match &partners.prices {
        Some(connection) => lines.iter().map(|line| of_partner(connection, &line.sku)).collect(),
        None => of_service(&lines),
    };
    let (mut priced, mut unknown) = (Vec::new(), Vec::new());
    for (at, (line, price)) in lines.into_iter().zip(prices).enumerate() {
        let Line { sku, quantity } = line;
        match price {
            Ok(Price { unit_price_cents }) => priced.push(PricedLine { sku, quantity, unit_price_cents }),
            Err(fault) if fault.code == "sku-unknown" => {
                unknown.push((format!("/lines/{at}/sku"), format!("{sku:?} is not for sale")));
            }
            Err(fault) => return Err(fault),
        }
    }
    refused(Fault::reject("sku-unknown", "not all of the order is for sale").status(422), unknown)?;
    Ok(priced)
}

fn of_partner(connection: &str, sku: &str) -> Result<Price, Fault> {
    let reply = http::get(connection, &format!("/prices/{}", http::escape(sku)))?;
    if reply.status() == 404 {
        return Err(Fault::reject("sku-unknown", "the partner does not sell it"));
    }
    reply.success()?.json()
}

/// Asks for all prices at once.
fn of_service(lines: &[Line]) -> Vec<Result<Price, Fault>> {
    invoke_all(lines.iter().map(|line| ("prices.lookup", json!({"sku": line.sku}))))
}

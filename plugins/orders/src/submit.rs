//! Taking an order.

use busbar_sdk::kv::Put;
use busbar_sdk::prelude::*;
use busbar_sdk::{random, serde_json::json};

use crate::day::Day;
use crate::order::{Order, PricedLine, key};
use crate::partners::Partners;
use crate::pricing::priced;
use crate::reserve::{self, Reservation};

/// What all prices are in.
const CURRENCY: &str = "EUR";
const CUSTOMER_CHARS_MAX: usize = 64;
const LINES_MAX: usize = 100;
const QUANTITY_MAX: u32 = 1_000;

/// An order to take.
#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Submit {
    #[schemars(length(min = 1, max = CUSTOMER_CHARS_MAX))]
    customer: String,
    /// Where the confirmation goes.
    email: String,
    #[schemars(length(min = 1, max = LINES_MAX))]
    lines: Vec<Line>,
    /// ISO 4217, if it is to be checked.
    currency: Option<String>,
    /// Where it goes to, as the shop has it: `DE`. Of use where a dictionary of countries is configured.
    country: Option<String>,
}

#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) sku: String,
    #[schemars(range(min = 1, max = QUANTITY_MAX))]
    pub(crate) quantity: u32,
}

/// Takes an order: prices it, keeps it and has it confirmed; with partners, by what they have.
#[service(
    rest = "POST /orders",
    soap = "/soap/orders",
    invokes = "prices.lookup",
    invokes = "mailer.confirm",
    invokes = "orders.reserve",
    invokes = "orders.confirm"
)]
pub(crate) fn submit(input: Submit) -> Result<Reply<Order>, Fault> {
    check(&input)?;
    let partners = Partners::known()?;
    let country = translated(input.country.as_deref(), &partners)?;
    let lines = priced(input.lines, &partners)?;
    if let Some(stock) = &partners.stock {
        reserve::check(stock, &lines)?;
    }
    let total_cents = total(&lines).ok_or_else(|| Fault::fail("the total is too large"))?;
    let Submit { customer, email, .. } = input;
    let currency = CURRENCY.to_owned();
    let order = Order { id: random::id(), customer, email, lines, total_cents, currency, country };
    // The order and what follows from it are one unit of work: all is there after this call, or nothing.
    kv::put_json(&key(&order.id), &order, Put::new())?;
    kv::increment(&Day::ago(0).key(), 1)?;
    if partners.stock.is_some() {
        let reservation = Reservation::of(&order.id, &order.lines);
        deliver("orders.reserve", &reservation, &DeliveryOptions::default())?;
    }
    have_confirmed(&order, &partners)?;
    info!(order = order.id, total_cents = order.total_cents; "took an order");
    let location = format!("/orders/{}", order.id);
    Ok(Reply::created(order).header("location", location))
}

/// By the partner or by mail: it is on its way if, and only if, the order is kept.
fn have_confirmed(order: &Order, partners: &Partners) -> Result<(), Fault> {
    // A customer's confirmations come in the order of their orders.
    let options = DeliveryOptions { order_key: Some(order.customer.clone()), ..Default::default() };
    if partners.confirmations.is_some() {
        deliver("orders.confirm", order, &options)?;
        return Ok(());
    }
    let confirmation = json!({
        "order": order.id,
        "customer": order.customer,
        "email": order.email,
        "total_cents": order.total_cents,
        "currency": order.currency,
    });
    deliver("mailer.confirm", &confirmation, &options)?;
    Ok(())
}

/// The partner's code of the shop's country.
fn translated(country: Option<&str>, partners: &Partners) -> Result<Option<String>, Fault> {
    let (Some(country), Some(countries)) = (country, &partners.countries) else {
        return Ok(country.map(str::to_owned));
    };
    match dictionaries::translate(countries, country, "shop", "partner")? {
        Some(code) => Ok(Some(code)),
        None => {
            let wrong = vec![("/country".to_owned(), format!("{country:?} is no country we deliver to"))];
            refused(Fault::reject("country-unknown", "the order can't be delivered").status(422), wrong)?;
            Ok(None)
        }
    }
}

/// All that is wrong at once, each with its place.
fn check(input: &Submit) -> Result<(), Fault> {
    let mut wrong = Vec::new();
    if input.customer.is_empty() || input.customer.chars().count() > CUSTOMER_CHARS_MAX {
        wrong.push(("/customer".to_owned(), format!("must have 1 to {CUSTOMER_CHARS_MAX} characters")));
    }
    if !matches!(input.email.split_once('@'), Some((local, domain)) if !local.is_empty() && !domain.is_empty())
    {
        wrong.push(("/email".to_owned(), "must be an address: name@example.org".to_owned()));
    }
    if input.currency.as_ref().is_some_and(|currency| currency != CURRENCY) {
        wrong.push(("/currency".to_owned(), format!("must be {CURRENCY}")));
    }
    if input.lines.is_empty() || input.lines.len() > LINES_MAX {
        wrong.push(("/lines".to_owned(), format!("must have 1 to {LINES_MAX} items")));
    }
    for (at, line) in input.lines.iter().enumerate() {
        if !(1..=QUANTITY_MAX).contains(&line.quantity) {
            wrong.push((format!("/lines/{at}/quantity"), format!("must be 1 to {QUANTITY_MAX}")));
        }
    }
    refused(Fault::reject("invalid-input", "the order is not valid"), wrong)
}

fn total(lines: &[PricedLine]) -> Option<u64> {
    lines.iter().try_fold(0_u64, |sum, line| {
        sum.checked_add(line.unit_price_cents.checked_mul(u64::from(line.quantity))?)
    })
}

/// The fault, if anything is wrong.
pub(crate) fn refused(fault: Fault, wrong: Vec<(String, String)>) -> Result<(), Fault> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.into_iter().fold(fault, |fault, (path, message)| fault.error(path, message)))
}

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::Value;
    use busbar_sdk::testing::{Dictionary, TestHost};

    use super::*;

    fn host() -> TestHost {
        TestHost::new().random([0xab; 16]).service("prices.lookup", |input| match input["sku"].as_str() {
            Some("tea") => Ok(json!({"sku": "tea", "unit_price_cents": 450})),
            Some("gold") => Ok(json!({"sku": "gold", "unit_price_cents": u64::MAX})),
            Some("late") => Err(Fault::retry_after(5, "come again")),
            _ => Err(Fault::reject("sku-unknown", "unknown").status(404)),
        })
    }

    fn order(lines: Value) -> Value {
        json!({"customer": "Ada", "email": "ada@example.org", "lines": lines})
    }

    #[test]
    fn an_order_is_priced_kept_and_confirmed() {
        let lines = json!([{"sku": "tea", "quantity": 2}, {"sku": "tea", "quantity": 1}]);
        let outcome = host().call::<submit>(&order(lines));
        let id = "ab".repeat(16);
        assert_eq!(outcome.value().status, 201);
        assert_eq!(outcome.value().header("location"), Some(format!("/orders/{id}").as_str()));
        let kept = outcome.effects.json(&key(&id)).unwrap_or_default();
        assert_eq!(outcome.output::<Value>(), kept);
        assert_eq!((&kept["total_cents"], &kept["currency"]), (&json!(1350), &json!("EUR")));
        assert_eq!(kept["lines"][1], json!({"sku": "tea", "quantity": 1, "unit_price_cents": 450}));
        assert_eq!(outcome.effects.json("taken/2026-01-01"), Some(json!(1)));
        let [mail] = &outcome.effects.deliveries[..] else { panic!("{:?}", outcome.effects.deliveries) };
        assert_eq!(
            (mail.service.as_str(), mail.options.order_key.as_deref()),
            ("mailer.confirm", Some("Ada"))
        );
        assert_eq!(mail.input()["total_cents"], 1350);
    }

    #[test]
    fn the_schema_tells_the_limits() {
        let (input, _) = <submit as busbar_sdk::Service>::schemas();
        let schema: Value = busbar_sdk::serde_json::from_str(&input.unwrap_or_default()).unwrap_or_default();
        assert_eq!(schema["properties"]["lines"]["maxItems"], LINES_MAX);
        assert_eq!(schema["$defs"]["Line"]["properties"]["quantity"]["maximum"], QUANTITY_MAX);
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let lines = json!([{"sku": "tea", "quantity": 0}, {"sku": "tea", "quantity": 1001}]);
        let input = json!({"customer": "", "email": "ada", "lines": lines, "currency": "USD"});
        let outcome = host().call::<submit>(&input);
        let paths: Vec<_> = outcome.fault().errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["/customer", "/email", "/currency", "/lines/0/quantity", "/lines/1/quantity"]);
        assert_eq!(outcome.fault().code, "invalid-input");
        let none = host().call::<submit>(&order(json!([])));
        assert_eq!(none.fault().errors[0].path, "/lines");
    }

    #[test]
    fn what_is_not_for_sale_is_refused_and_leaves_nothing() {
        let lines = json!([{"sku": "tea", "quantity": 1}, {"sku": "ink", "quantity": 1}]);
        let outcome = host().call::<submit>(&order(lines));
        assert_eq!((outcome.fault().code.as_str(), outcome.fault().status), ("sku-unknown", Some(422)));
        assert_eq!(outcome.fault().errors[0].path, "/lines/1/sku");
        assert!(outcome.effects.is_empty());
    }

    #[test]
    fn with_partners_an_order_is_theirs() {
        let partners = json!({"prices": "shop", "confirmations": "partner", "countries": "countries"});
        let countries = Dictionary::new().entry(&[("shop", "DE"), ("partner", "276")]);
        let host =
            host().config(partners).dictionary("countries", countries).http("shop", |request| match request
                .path
                .as_str()
            {
                "/prices/green%20tea" => Response::json(&json!({"unit_price_cents": 390})),
                _ => Ok(Response { status: Some(404), ..Response::empty() }),
            });
        let mut input = order(json!([{"sku": "green tea", "quantity": 2}]));
        input["country"] = "DE".into();
        let outcome = host.call::<submit>(&input);
        let made: Value = outcome.output();
        assert_eq!((&made["total_cents"], &made["country"]), (&json!(780), &json!("276")));
        let [confirmation] = &outcome.effects.deliveries[..] else { panic!("{:?}", outcome.effects) };
        assert_eq!((confirmation.service.as_str(), confirmation.input()), ("orders.confirm", made));
        input["country"] = "XX".into();
        assert_eq!(host.call::<submit>(&input).fault().code, "country-unknown");
        let unknown = order(json!([{"sku": "ink", "quantity": 1}]));
        assert_eq!(host.call::<submit>(&unknown).fault().code, "sku-unknown");
    }

    #[test]
    fn other_faults_are_passed_on() {
        let outcome = host().call::<submit>(&order(json!([{"sku": "late", "quantity": 1}])));
        assert_eq!(outcome.fault().disposition, busbar_sdk::Disposition::RetryAfter(5));
        let outcome = host().call::<submit>(&order(json!([{"sku": "gold", "quantity": 2}])));
        assert_eq!(outcome.fault().disposition, busbar_sdk::Disposition::Fail);
    }
}

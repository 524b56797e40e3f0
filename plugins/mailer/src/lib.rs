//! Confirms orders to customers. There is no mail server in an example: what would be sent is kept, and
//! addresses make it fail on demand, so that one can watch deliveries.

use busbar_sdk::kv::Put;
use busbar_sdk::prelude::*;

/// An order to confirm.
#[input]
#[serde(deny_unknown_fields)]
struct Confirmation {
    order: String,
    customer: String,
    /// `fail@…` fails always, `reject@…` is refused for good, `later@…` succeeds at the second attempt.
    email: String,
    total_cents: u64,
    currency: String,
}

/// What was sent.
#[data]
struct Mail {
    to: String,
    text: String,
    /// How often: 1, since what is kept and the delivery's end are one commit.
    count: u32,
}

/// Sends the confirmation of an order.
#[service]
fn confirm(order: Confirmation) -> Result<Mail, Fault> {
    match order.email.split('@').next() {
        Some("fail") => return Err(Fault::fail("the mail server is on fire")),
        Some("reject") => return Err(Fault::reject("address-refused", "nobody lives at this address")),
        Some("later") if context::attempt() == 1 => {
            return Err(Fault::retry_after(1, "the mail server is busy"));
        }
        _ => {}
    }
    let (euros, cents) = (order.total_cents / 100, order.total_cents % 100);
    let text = format!("Dear {}, your order comes to {euros}.{cents:02} {}.", order.customer, order.currency);
    let key = format!("sent/{}", order.order);
    let (count, version) = match kv::get_json::<Mail>(&key)? {
        Some(sent) => (sent.value.count, sent.version),
        None => (0, kv::ABSENT),
    };
    let mail = Mail { to: order.email, text, count: count + 1 };
    kv::put_json(&key, &mail, Put::over(version))?;
    info!(order = order.order; "sent the confirmation");
    Ok(mail)
}

#[input]
#[serde(deny_unknown_fields)]
struct Sent {
    order: String,
}

/// What was sent for an order.
#[service]
fn sent(input: Sent) -> Result<Mail, Fault> {
    let mail = kv::get_json::<Mail>(&format!("sent/{}", input.order))?;
    mail.map(|mail| mail.value)
        .ok_or_else(|| Fault::reject("nothing-sent", "nothing was sent for this order").status(404))
}

plugin!(confirm, sent);

#[cfg(test)]
mod tests {
    use busbar_sdk::Disposition;
    use busbar_sdk::serde_json::{Value, json};
    use busbar_sdk::testing::TestHost;

    use super::*;

    fn confirmation(email: &str) -> Value {
        json!({"order": "1", "customer": "Ada", "email": email, "total_cents": 1005, "currency": "EUR"})
    }

    #[test]
    fn what_is_sent_is_kept() {
        let host = TestHost::new();
        let outcome = host.call::<confirm>(&confirmation("ada@example.org"));
        let mail =
            json!({"to": "ada@example.org", "text": "Dear Ada, your order comes to 10.05 EUR.", "count": 1});
        assert_eq!(outcome.output::<Value>(), mail);
        assert_eq!(outcome.effects.json("sent/1"), Some(mail.clone()));
        assert_eq!(host.call::<sent>(&json!({"order": "1"})).output::<Value>(), mail);
        assert_eq!(host.call::<sent>(&json!({"order": "2"})).fault().code, "nothing-sent");
    }

    #[test]
    fn it_fails_on_demand() {
        let disposition = |email: &str, attempt: u32| {
            let outcome = TestHost::new().attempt(attempt).call::<confirm>(&confirmation(email));
            outcome.result.err().map(|fault| fault.disposition)
        };
        assert_eq!(disposition("fail@example.org", 7), Some(Disposition::Fail));
        assert_eq!(disposition("reject@example.org", 1), Some(Disposition::Reject));
        assert_eq!(disposition("later@example.org", 1), Some(Disposition::RetryAfter(1)));
        assert_eq!(disposition("later@example.org", 2), None);
    }
}

//! Whether a deployment would break callers of the version before it.

use std::collections::BTreeSet;

use busbar_model::{
    Channel, Deployment, Name,
    bounds::BREAKS_MAX,
    channel::Address,
    compatibility::{Break, Side, breaks},
    deployment::Source,
    plugin::Description,
    soap,
};
use busbar_soap::binding::Problem;
use busbar_store::{Error, Odb, Promise};

use crate::{clock, singleton::proposals::proposals};

/// Why the deployment is not to go live, if it is not. Going back is never refused, nor what was forced.
pub(crate) fn refusal(odb: &Odb, deployment: &Deployment) -> Result<Option<String>, Error> {
    if deployment.source == Source::Rollback {
        return Ok(None);
    }
    let Some(description) = odb.description(&deployment.id)? else { return Ok(None) };
    if let Some(reason) = no_soap(&odb.soap_problems(&description, &proposals(&description), clock::now())?) {
        return Ok(Some(reason));
    }
    if deployment.forced {
        return Ok(None);
    }
    let Some(promise) = odb.promise(&deployment.id)? else { return Ok(None) };
    let mut breaks = breaks(&promise.description, &description);
    breaks.extend(renamed(&promise, &description));
    Ok((!breaks.is_empty()).then(|| reason(&breaks, &promise.channels, deployment.source)))
}

/// Why SOAP channels can't offer the services as they are now. That can't be forced: there is nothing to send.
fn no_soap(problems: &[Problem]) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut lines: Vec<String> = problems.iter().take(BREAKS_MAX).map(ToString::to_string).collect();
    lines.push("Mend the schema, or take the SOAP channel away.".to_owned());
    Some(lines.join("\n"))
}

/// Services whose messages change their namespace with the plugin's major version.
fn renamed(promise: &Promise, description: &Description) -> Vec<Break> {
    let before = soap::namespace(&promise.description.name, &promise.description.version);
    let after = soap::namespace(&description.name, &description.version);
    let follows = |channel: &&Channel| {
        let message = channel.address.message();
        channel.active && message.is_some_and(|message| message.soap.namespace.is_none())
    };
    let services: BTreeSet<&Name> = promise.channels.iter().filter(follows).map(|c| &c.service).collect();
    if before == after {
        return Vec::new();
    }
    let broken = |service: &Name| Break {
        service: service.clone(),
        side: Side::Input,
        path: String::new(),
        message: format!(
            "its SOAP namespace {before} becomes {after}; set the channel's soap.namespace to keep the old one"
        ),
    };
    services.into_iter().map(broken).collect()
}

fn reason(breaks: &[Break], channels: &[Channel], source: Source) -> String {
    let mut lines = vec!["callers of the version before it would break:".to_owned()];
    lines.extend(breaks.iter().take(BREAKS_MAX).map(|broken| format!("- {broken}")));
    if let Some(more @ 1..) = breaks.len().checked_sub(BREAKS_MAX) {
        lines.push(format!("- and {more} more"));
    }
    let services: BTreeSet<&str> = breaks.iter().map(|broken| broken.service.as_str()).collect();
    let felt: Vec<String> = channels
        .iter()
        .filter(|channel| channel.active && services.contains(channel.service.as_str()))
        .map(|channel| format!("- {} ({})", channel.name, address(channel)))
        .collect();
    if !felt.is_empty() {
        lines.push("It would be felt on these channels:".to_owned());
        lines.extend(felt);
    }
    let force = "busbar deploy --force FILE, or POST /api/v1/deployments?name=FILE&force=true";
    lines.push(match source {
        Source::Pickup => format!(
            "Keep to the contract, or give the changed service a new name. To deploy it all the same, force it: \
             {force}. The pickup folder can't force."
        ),
        Source::Api | Source::Rollback => format!(
            "Keep to the contract, or give the changed service a new name. To deploy it all the same, force it: \
             {force}."
        ),
    });
    lines.join("\n")
}

fn address(channel: &Channel) -> String {
    match &channel.address {
        Address::Soap(message) => {
            format!("SOAP operation {} at {}", message.operation(&channel.service), message.path)
        }
        Address::Rest(rest) if rest.methods.is_empty() => format!("any method {}", rest.path),
        Address::Rest(rest) => format!("{} {}", rest.methods.join(","), rest.path),
        Address::Amqp(amqp) => format!("queue {} of {}", amqp.queue, amqp.connection),
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::{
        Channel, Timestamp,
        channel::{Address, Draft, Message, Rest},
        compatibility::{Break, Side},
        deployment::Source,
        path::PathPattern,
        plugin::Description,
        soap::Soap,
    };
    use busbar_store::Promise;

    use super::{reason, renamed};

    fn broken(service: &str) -> Break {
        let message = "is required now".to_owned();
        Break { service: service.parse().unwrap(), side: Side::Input, path: "/id".to_owned(), message }
    }

    fn channel(name: &str, service: &str, methods: &[&str]) -> Channel {
        let path = PathPattern::parse(&format!("/{name}/{{id}}")).unwrap();
        let methods = methods.iter().map(|method| (*method).to_owned()).collect();
        bound(name, service, Address::Rest(Rest { methods, ..Rest::new(path) }))
    }

    fn bound(name: &str, service: &str, address: Address) -> Channel {
        let draft = Draft::new(name.parse().unwrap(), service.parse().unwrap(), address);
        draft.into_channel(name.to_owned(), 1, Timestamp(0), Timestamp(0))
    }

    #[test]
    fn a_refusal_says_what_breaks_who_feels_it_and_how_to_force_it() {
        let channels =
            [channel("a", "s.one", &["GET", "PUT"]), channel("b", "s.two", &[]), channel("c", "s.one", &[])];
        let text = reason(&[broken("s.one")], &channels, Source::Api);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..5],
            [
                "callers of the version before it would break:",
                "- s.one, input /id: is required now",
                "It would be felt on these channels:",
                "- a (GET,PUT /a/{id})",
                "- c (any method /c/{id})",
            ]
        );
        assert!(lines[5].contains("busbar deploy --force") && lines[5].contains("force=true"), "{text}");
        assert!(!text.contains("pickup"), "{text}");
        assert!(reason(&[broken("s")], &[], Source::Pickup).contains("The pickup folder can't force."));
    }

    #[test]
    fn a_new_major_version_moves_the_messages_of_soap() {
        let description = |version: &str| Description {
            version: version.to_owned(),
            ..Description::of_wasi_http("s".parse().unwrap(), Vec::new())
        };
        let soap = |namespace: Option<&str>| {
            let soap = Soap { namespace: namespace.map(str::to_owned), ..Soap::default() };
            let path = PathPattern::parse("/soap").unwrap();
            bound("soap", "s.one", Address::Soap(Message { path, security: None, soap }))
        };
        let breaks = |channel: Channel, after: &str| {
            let promise = Promise { description: description("1.9.0"), channels: vec![channel] };
            renamed(&promise, &description(after))
        };
        let moved = breaks(soap(None), "2.0.0");
        assert!(moved[0].message.contains("urn:busbar:s:v1 becomes urn:busbar:s:v2"), "{moved:?}");
        assert_eq!(breaks(soap(None), "1.10.0"), []);
        assert_eq!(breaks(soap(Some("urn:own")), "2.0.0"), []);
        assert_eq!(breaks(channel("rest", "s.one", &[]), "2.0.0"), []);
    }

    #[test]
    fn a_long_list_is_cut() {
        let text = reason(&vec![broken("s"); 53], &[], Source::Api);
        assert!(text.contains("- and 3 more\n"), "{text}");
        assert!(!reason(&vec![broken("s"); 50], &[], Source::Api).contains("more"));
    }
}

//! What can be said of a document without the system that it is for.

use std::collections::BTreeSet;

use super::document::Document;
use crate::{
    channel::Draft,
    connection::amqp,
    definitions::{AddressTaken, Definitions},
    name::Name,
    plugin::Grants,
    security::INVOKER,
    time::Timestamp,
};

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// JSON Pointer (RFC 6901).
    pub path: String,
    pub message: String,
    /// It can't be applied anywhere; else it depends on what is there.
    pub fatal: bool,
}

/// `services` are known to be deployed where the document is for.
pub fn review(document: &Document, services: &BTreeSet<Name>) -> Vec<Remark> {
    let mut remarks = conflicts(document);
    remarks.extend(unfit_connections(document));
    for unfit in document.dictionaries.iter().filter_map(|entry| entry.draft().err()).flatten() {
        remarks.push(Remark { path: unfit.path, message: unfit.message, fatal: true });
    }
    let mut doubt = |path: String, message: String| remarks.push(Remark { path, message, fatal: false });
    for channel in &document.channels {
        let service = &channel.service;
        if !services.contains(service) && !document.services.iter().any(|entry| entry.name == *service) {
            let message =
                format!("service {service:?} is not known; its calls answer 503 until it is deployed");
            doubt(format!("/channels/{}/service", channel.name), message);
        }
        if let Some(amqp) = channel.address.amqp()
            && !document.connections.iter().any(|entry| entry.name == amqp.connection)
        {
            let message = format!(
                "connection {:?} is not in the document, so it must be there already",
                amqp.connection
            );
            doubt(format!("/channels/{}/amqp/connection", channel.name), message);
        }
        if let Some(security) = channel.address.security()
            && security.as_str() != INVOKER
            && !document.security.iter().any(|entry| entry.name == *security)
        {
            let message = format!(
                "security definition {security:?} is not in the document, so it must be there already"
            );
            doubt(format!("/channels/{}/security", channel.name), message);
        }
    }
    for job in &document.jobs {
        if let Some(calendar) = &job.calendar
            && !document.calendars.iter().any(|entry| entry.name == *calendar)
        {
            let message =
                format!("calendar {calendar:?} is not in the document, so it must be there already");
            doubt(format!("/jobs/{}/calendar", job.name), message);
        }
        let service = &job.service;
        if !services.contains(service) && !document.services.iter().any(|entry| entry.name == *service) {
            let message = format!(
                "service {service:?} is not known; its runs wait until it is deployed, and fail when they expire"
            );
            doubt(format!("/jobs/{}/service", job.name), message);
        }
    }
    for service in &document.services {
        if !document.plugins.iter().any(|plugin| plugin.name == service.plugin) {
            let message =
                format!("plugin {:?} is not in the document, so it must be there already", service.plugin);
            doubt(format!("/services/{}/plugin", service.name), message);
        }
    }
    for plugin in &document.plugins {
        let Some(grants) = &plugin.grants else { continue };
        for what in ungranted(document, grants) {
            let message = format!("{what} is not in the document, so it must be there already");
            doubt(format!("/plugins/{}/grants", plugin.name), message);
        }
    }
    remarks
}

/// Channels come in by brokers only.
fn unfit_connections(document: &Document) -> impl Iterator<Item = Remark> {
    document.channels.iter().filter_map(|channel| {
        let amqp = channel.address.amqp()?;
        let entry = document.connections.iter().find(|entry| entry.name == amqp.connection)?;
        let kind = entry.client.kind();
        let path = format!("/channels/{}/amqp/connection", channel.name);
        let message = format!(
            "connection {:?} is of kind {kind}, and channels come in by those of kind amqp",
            entry.name
        );
        (kind != amqp::KIND).then_some(Remark { path, message, fatal: true })
    })
}

/// What is granted by its name and not in the document.
fn ungranted(document: &Document, grants: &Grants) -> Vec<String> {
    let secrets = document.secrets.iter().map(|entry| &entry.name);
    let connections = document.connections.iter().map(|entry| &entry.name);
    let dictionaries = document.dictionaries.iter().map(|entry| &entry.name);
    let secrets = missing(&grants.secrets, secrets).map(|name| format!("secret {name:?}"));
    let connections = missing(&grants.connections, connections).map(|name| format!("connection {name:?}"));
    let dictionaries = missing(&grants.dictionaries, dictionaries).map(|name| format!("dictionary {name:?}"));
    secrets.chain(connections).chain(dictionaries).collect()
}

/// Names that are granted, and not among those that the document has.
fn missing<'d>(
    granted: &'d [String],
    had: impl Iterator<Item = &'d Name> + Clone,
) -> impl Iterator<Item = &'d String> {
    granted.iter().filter(move |name| !name.ends_with('*') && !had.clone().any(|had| had.as_str() == *name))
}

fn conflicts(document: &Document) -> Vec<Remark> {
    let at = Timestamp(0);
    let channel = |draft: &Draft| draft.clone().into_channel(draft.name.to_string(), 1, at, at);
    let channels = document.channels.iter().map(channel).collect();
    let conflicts = Definitions { channels, ..Definitions::default() }.routes().conflicts;
    let remark = |taken: AddressTaken| Remark {
        path: format!("/channels/{}/{}", taken.channel, taken.member),
        message: format!("channel {:?} has this address", taken.other),
        fatal: true,
    };
    conflicts.into_iter().map(remark).collect()
}

#[cfg(test)]
mod tests {
    use super::review;
    use crate::configuration::{Document, yaml};

    #[test]
    fn says_what_can_not_be_and_what_depends() {
        let text = "busbar: 1\nservices: {known: {plugin: p}}\nchannels:\n  a: {path: /a, service: known, security: invoker}\n  \
                    b: {path: /a, service: there, security: clerk}\n  c: {path: /c, service: away}\n  \
                    d: {path: /d, protocol: soap, service: known}\n  e: {path: /d, protocol: soap, service: there}\n  \
                    f: {protocol: amqp, service: known, amqp: {connection: mq, queue: q}}\n  \
                    g: {protocol: amqp, service: known, amqp: {connection: mq, queue: q}}\n\
                    jobs:\n  nightly: {service: away, calendar: elsewhere, schedule: {kind: cron, expression: 0 2 * * *}}\n\
                    secrets: {mine: {}}\nplugins: {q: {grants: {secrets: [mine, x-*, theirs]}}}\n";
        let document = Document::read(&yaml::read(text).unwrap()).unwrap();
        let remarks = review(&document, &["there".parse().unwrap()].into());
        let said: Vec<(&str, bool)> =
            remarks.iter().map(|remark| (remark.path.as_str(), remark.fatal)).collect();
        let expected = [
            ("/channels/b/path", true),
            ("/channels/g/amqp/queue", true),
            ("/channels/b/security", false),
            ("/channels/c/service", false),
            ("/channels/f/amqp/connection", false),
            ("/channels/g/amqp/connection", false),
            ("/jobs/nightly/calendar", false),
            ("/jobs/nightly/service", false),
            ("/services/known/plugin", false),
            ("/plugins/q/grants", false),
        ];
        assert_eq!(said, expected);
    }
}

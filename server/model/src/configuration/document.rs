//! The whole document: its sections, how they are read, and how they are written.

use serde_json::{Map, Value, json};

use super::{
    connections,
    dictionaries::DictionaryEntry,
    hidden::Hidden,
    members::{Members, Mistake, integral},
    node::{Content, Node, segment},
    plugins::PluginEntry,
    secrets::{self, SecretEntry},
    security::{self, SecurityEntry},
    services::ServiceEntry,
    yaml,
};
use crate::{
    calendar, channel, connection, definitions::Definitions, job, name::Name, service::LimitsPatch,
    timetable::Timetable,
};

/// A connection as a document has it; of a secret that is `None` the present one stays.
pub type ConnectionEntry = connection::Draft<Option<Hidden>>;

/// The format that this binary reads and writes.
pub const FORMAT: u64 = 1;
const FORMAT_MEMBER: &str = "busbar";
const HEADING: &str = "# Busbar's configuration: `busbar apply` puts it in place.\n";

/// A kind of definition that a document has a section of.
pub(super) trait Entry: Sized {
    const SECTION: &'static str;

    /// `None` where something is wrong, which is said.
    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self>;

    /// In their order, without those that have their default, with texts escaped.
    fn write(&self) -> Map<String, Value>;
}

/// All definitions that a document holds. What an entry leaves out has its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub security: Vec<SecurityEntry>,
    pub secrets: Vec<SecretEntry>,
    pub plugins: Vec<PluginEntry>,
    pub services: Vec<ServiceEntry>,
    pub connections: Vec<ConnectionEntry>,
    pub channels: Vec<channel::Draft>,
    pub calendars: Vec<calendar::Draft>,
    pub jobs: Vec<job::Draft>,
    pub dictionaries: Vec<DictionaryEntry>,
}

impl Document {
    /// Reads what a tree says; all that is wrong is said at once.
    pub fn read(root: &Node) -> Result<Self, Vec<Mistake>> {
        let (document, mistakes) = Self::parts(root);
        if mistakes.is_empty() { Ok(document) } else { Err(mistakes) }
    }

    /// What of a tree can be read, and what is wrong with the rest.
    pub fn parts(root: &Node) -> (Self, Vec<Mistake>) {
        let mut mistakes = Vec::new();
        let document = read(root, &mut mistakes).unwrap_or_default();
        (document, mistakes)
    }

    /// The present definitions.
    pub fn of(definitions: &Definitions, timetable: &Timetable) -> Self {
        let limited = definitions.services.iter().filter(|service| service.limits != LimitsPatch::default());
        Self {
            security: security::entries(&definitions.securities),
            secrets: secrets::entries(&definitions.secrets),
            plugins: definitions.plugins.iter().map(PluginEntry::from).collect(),
            services: limited.map(ServiceEntry::from).collect(),
            connections: connections::entries(&definitions.connections),
            channels: definitions.channels.iter().cloned().map(channel::Draft::from).collect(),
            calendars: timetable.calendars.iter().map(|calendar| calendar.draft.clone()).collect(),
            jobs: timetable.jobs.iter().map(|job| job.draft.clone()).collect(),
            dictionaries: definitions.dictionaries.iter().map(|it| (&it.draft).into()).collect(),
        }
    }

    /// Sorted by name; the same definitions give the same value.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert(FORMAT_MEMBER.to_owned(), json!(FORMAT));
        write(&mut members, &self.security, |entry| &entry.name);
        write(&mut members, &self.secrets, |entry| &entry.name);
        write(&mut members, &self.plugins, |entry| &entry.name);
        write(&mut members, &self.services, |entry| &entry.name);
        write(&mut members, &self.connections, |entry| &entry.name);
        write(&mut members, &self.channels, |entry| &entry.name);
        write(&mut members, &self.calendars, |entry| &entry.name);
        write(&mut members, &self.jobs, |entry| &entry.name);
        write(&mut members, &self.dictionaries, |entry| &entry.name);
        members
    }

    pub fn to_yaml(&self) -> String {
        HEADING.to_owned() + &yaml::write(&self.to_json())
    }
}

fn read(root: &Node, mistakes: &mut Vec<Mistake>) -> Option<Document> {
    let mut members = Members::of(root, root.line, String::new(), mistakes)?;
    // Of another format nothing else is known.
    members.required(FORMAT_MEMBER, |node| match &node.content {
        Content::Number(number) if integral(number).as_u64() == Some(FORMAT) => Ok(()),
        Content::Number(number) => {
            Err(format!("is {number}, but this version of Busbar knows format {FORMAT} only").into())
        }
        _ => Err(format!("is {}, but must be the number {FORMAT}", node.kind()).into()),
    })?;
    let sections = [
        members.node(SecurityEntry::SECTION),
        members.node(SecretEntry::SECTION),
        members.node(PluginEntry::SECTION),
        members.node(ServiceEntry::SECTION),
        members.node(ConnectionEntry::SECTION),
        members.node(channel::Draft::SECTION),
        members.node(calendar::Draft::SECTION),
        members.node(job::Draft::SECTION),
        members.node(DictionaryEntry::SECTION),
    ];
    members.finish();
    let [security, secrets, plugins, services, connections, channels, calendars, jobs, dictionaries] =
        sections;
    Some(Document {
        security: section(security, mistakes),
        secrets: section(secrets, mistakes),
        plugins: section(plugins, mistakes),
        services: section(services, mistakes),
        connections: section(connections, mistakes),
        channels: section(channels, mistakes),
        calendars: section(calendars, mistakes),
        jobs: section(jobs, mistakes),
        dictionaries: section(dictionaries, mistakes),
    })
}

fn section<T: Entry>(node: Option<&Node>, mistakes: &mut Vec<Mistake>) -> Vec<T> {
    let mut entries = Vec::new();
    let given = match node.map(|node| (node, &node.content)) {
        None | Some((_, Content::Null)) => return entries,
        Some((_, Content::Map(given))) => given,
        Some((node, _)) => {
            let message = format!("is {}, but must be a map of definitions by name", node.kind());
            let path = format!("/{}", T::SECTION);
            mistakes.push(Mistake { path, line: node.line, message, variable: None });
            return entries;
        }
    };
    for (key, node) in given {
        let path = format!("/{}/{}", T::SECTION, segment(&key.text));
        let name = match key.text.parse::<Name>() {
            Ok(name) => name,
            Err(error) => {
                mistakes.push(Mistake { path, line: key.line, message: error.to_string(), variable: None });
                continue;
            }
        };
        if let Some(mut members) = Members::of(node, key.line, path, mistakes) {
            entries.extend(T::read(name, &mut members));
            members.finish();
        }
    }
    entries
}

fn write<T: Entry>(members: &mut Map<String, Value>, entries: &[T], name: impl Fn(&T) -> &Name) {
    let mut entries: Vec<&T> = entries.iter().collect();
    entries.sort_by_key(|entry| name(entry));
    let written: Map<_, _> =
        entries.into_iter().map(|entry| (name(entry).to_string(), Value::Object(entry.write()))).collect();
    // An empty section says nothing.
    if !written.is_empty() {
        members.insert(T::SECTION.to_owned(), Value::Object(written));
    }
}

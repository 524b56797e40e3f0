//! What differs between two configurations, by what it means: servers one by one, everything else by section.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::document::{Directive, Document, Section};

/// Comments, quotes and spaces are no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    pub servers: Vec<ServerChange>,
    pub sections: Vec<SectionChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub enum ServerChange {
    Added {
        backend: String,
        server: ServerLine,
        /// What the backend's `default-server` lines give it.
        defaults: Vec<String>,
        /// Whether the backend's way of choosing servers takes one while it runs.
        dynamic: bool,
    },
    Removed {
        backend: String,
        server: ServerLine,
    },
    Changed {
        backend: String,
        before: ServerLine,
        after: ServerLine,
    },
}

/// Of a `server` line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerLine {
    pub name: String,
    pub address: String,
    /// 0: it drains.
    pub weight: u32,
    /// In maintenance.
    pub disabled: bool,
    /// The other words.
    pub parameters: Vec<String>,
}

/// Statements of a section that came and went; a changed one did both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionChange {
    /// Its first line.
    pub section: String,
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// The same statements in another order, which has a meaning.
    pub reordered: bool,
}

pub fn diff(old: &Document, new: &Document) -> Diff {
    let (old, new) = (by_head(old), by_head(new));
    let mut found = Diff::default();
    for (head, before) in &old {
        if !new.contains_key(head) {
            found.section(head, Some(before), None);
        }
    }
    for (head, after) in &new {
        found.section(head, old.get(head).copied(), Some(after));
    }
    found
}

/// Sections with one first line, such as two `global`s, are told apart by their order.
fn by_head(document: &Document) -> BTreeMap<(String, usize), &Section> {
    let mut sections = BTreeMap::new();
    for section in &document.sections {
        let head = section.head.statement();
        let before = sections.keys().filter(|(other, _)| *other == head).count();
        sections.insert((head, before), section);
    }
    sections
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.sections.is_empty()
    }

    fn section(&mut self, head: &(String, usize), before: Option<&Section>, after: Option<&Section>) {
        let backend = after.or(before).and_then(Section::name).unwrap_or_default();
        let reordered = self.compare_servers(&backend, before, after);
        let (before_lines, after_lines) = (statements(before), statements(after));
        let added = without(&after_lines, &before_lines);
        let removed = without(&before_lines, &after_lines);
        let reordered = reordered || (added.is_empty() && removed.is_empty() && before_lines != after_lines);
        // A section of no statements is there or is not.
        let whole = before.is_some() != after.is_some();
        if whole || reordered || !added.is_empty() || !removed.is_empty() {
            self.sections.push(SectionChange { section: head.0.clone(), added, removed, reordered });
        }
    }

    /// Whether those that stay changed places.
    fn compare_servers(&mut self, backend: &str, before: Option<&Section>, after: Option<&Section>) -> bool {
        let (old, new) = (servers(before), servers(after));
        let find =
            |servers: &[ServerLine], name: &str| servers.iter().find(|server| server.name == name).cloned();
        for server in &old {
            if find(&new, &server.name).is_none() {
                self.servers
                    .push(ServerChange::Removed { backend: backend.to_owned(), server: server.clone() });
            }
        }
        for server in &new {
            let backend = backend.to_owned();
            match find(&old, &server.name) {
                None => self.servers.push(ServerChange::Added {
                    backend,
                    server: server.clone(),
                    defaults: after.map(defaults).unwrap_or_default(),
                    dynamic: after.is_some_and(dynamic),
                }),
                Some(before) if before != *server => {
                    self.servers.push(ServerChange::Changed { backend, before, after: server.clone() });
                }
                Some(_) => {}
            }
        }
        let stay = |these: &[ServerLine], others: &[ServerLine]| {
            let names = these.iter().map(|server| server.name.clone());
            names.filter(|name| others.iter().any(|other| other.name == *name)).collect::<Vec<_>>()
        };
        stay(&old, &new) != stay(&new, &old)
    }
}

/// All but servers.
fn statements(section: Option<&Section>) -> Vec<String> {
    let all = section.into_iter().flat_map(Section::statements);
    all.filter(|directive| directive.keyword() != "server").map(Directive::statement).collect()
}

/// Those of the first that the second has not, each as often as it has more of it.
fn without(these: &[String], others: &[String]) -> Vec<String> {
    let mut others = others.to_vec();
    let gone = |line: &&String| match others.iter().position(|other| other == *line) {
        Some(place) => {
            others.swap_remove(place);
            false
        }
        None => true,
    };
    these.iter().filter(gone).cloned().collect()
}

fn servers(section: Option<&Section>) -> Vec<ServerLine> {
    let all = section.into_iter().flat_map(Section::statements);
    all.filter_map(ServerLine::read).collect()
}

fn defaults(section: &Section) -> Vec<String> {
    let lines = section.statements().filter(|directive| directive.keyword() == "default-server");
    lines.flat_map(|directive| directive.texts().split_off(1)).collect()
}

fn dynamic(section: &Section) -> bool {
    let balance = section.statements().filter(|directive| directive.keyword() == "balance").last();
    match balance.map(|directive| directive.texts().get(1).cloned().unwrap_or_default()).as_deref() {
        Some("roundrobin" | "leastconn" | "first" | "random") => true,
        Some("source") => section.has(&["hash-type", "consistent"]),
        _ => false,
    }
}

impl ServerLine {
    /// `None`: it is no server's line, or lacks name or address.
    pub(crate) fn read(directive: &Directive) -> Option<Self> {
        let mut words = directive.texts().into_iter();
        words.next().filter(|keyword| keyword == "server")?;
        let (name, address) = (words.next()?, words.next()?);
        let mut server = Self { name, address, weight: 1, disabled: false, parameters: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "disabled" => server.disabled = true,
                "enabled" => server.disabled = false,
                "weight" => match words.next().map(|weight| weight.parse()) {
                    Some(Ok(weight)) => server.weight = weight,
                    _ => server.parameters.push(word),
                },
                _ => server.parameters.push(word),
            }
        }
        Some(server)
    }
}

impl fmt::Display for ServerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address, weight, disabled, parameters } = self;
        write!(f, "server {name} {address} weight {weight}")?;
        if *disabled {
            f.write_str(" disabled")?;
        }
        parameters.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

/// For people: `+` came, `-` went.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.servers {
            match change {
                ServerChange::Added { backend, server, .. } => {
                    writeln!(f, "[backend {backend}]\n+ {server}")?
                }
                ServerChange::Removed { backend, server } => writeln!(f, "[backend {backend}]\n- {server}")?,
                ServerChange::Changed { backend, before, after } => {
                    writeln!(f, "[backend {backend}]\n- {before}\n+ {after}")?;
                }
            }
        }
        for SectionChange { section, added, removed, reordered } in &self.sections {
            writeln!(f, "[{section}]")?;
            removed.iter().try_for_each(|line| writeln!(f, "- {line}"))?;
            added.iter().try_for_each(|line| writeln!(f, "+ {line}"))?;
            if *reordered {
                writeln!(f, "  in another order")?;
            }
        }
        Ok(())
    }
}

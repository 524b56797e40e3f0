//! What `haproxy -c` does not say: what breaks lossless reloads or retries, and what fails at a start or in every check.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    diff::ServerLine,
    document::{Directive, Document, SECTIONS, Section},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// From 1 on; 0: something that is nowhere.
    pub line: usize,
    pub severity: Severity,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It works, and loses requests at some time.
    Warning,
    /// It can't work.
    Error,
}

/// Of the machine it is to run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The most files and sockets that a process may open; `None`: unknown.
    pub descriptors: Option<u64>,
}

/// In the order of the file.
pub fn validate(document: &Document, limits: &Limits) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    findings.sections(document);
    findings.global(document, limits);
    for section in &document.sections {
        match section.keyword().as_str() {
            "frontend" => findings.client_side(document, section),
            "backend" => findings.server_side(document, section),
            "listen" => {
                findings.client_side(document, section);
                findings.server_side(document, section);
            }
            _ => {}
        }
        for directive in section.statements() {
            findings.anywhere(directive);
        }
    }
    findings.0.sort_by_key(|finding| finding.line);
    findings.0
}

struct Findings(Vec<Finding>);

/// Descriptors beside those of connections: listeners, checks, sockets of its own.
const SPARE: u64 = 64;

impl Findings {
    fn add(&mut self, severity: Severity, line: usize, message: impl Into<String>) {
        self.0.push(Finding { line, severity, message: message.into() });
    }

    fn error(&mut self, line: usize, message: impl Into<String>) {
        self.add(Severity::Error, line, message);
    }

    fn warning(&mut self, line: usize, message: impl Into<String>) {
        self.add(Severity::Warning, line, message);
    }

    fn sections(&mut self, document: &Document) {
        for directive in document.preamble.iter().filter(|directive| !directive.words.is_empty()) {
            let message =
                format!("{:?} begins no section: {} are allowed", directive.keyword(), SECTIONS.join(", "));
            self.error(directive.line, message);
        }
        let statements = || document.sections.iter().flat_map(Section::statements);
        // In a file that indents nothing, the margin says nothing.
        if statements().any(|directive| directive.indented) {
            for directive in statements().filter(|directive| !directive.indented) {
                let keyword = directive.keyword();
                self.warning(
                    directive.line,
                    format!(
                        "{keyword:?} stands where sections do, and is none: {} are sections",
                        SECTIONS.join(", ")
                    ),
                );
            }
        }
        let mut seen = BTreeSet::new();
        for section in &document.sections {
            if let Some(name) = section.name()
                && !seen.insert((section.keyword(), name.clone()))
            {
                self.error(section.head.line, format!("there are two sections {} {name}", section.keyword()));
            }
        }
    }

    fn global(&mut self, document: &Document, limits: &Limits) {
        let globals: Vec<&Section> = document.of_kind("global").collect();
        let line = globals.first().map_or(0, |section| section.head.line);
        let all = || globals.iter().flat_map(|section| section.statements());
        if !all().any(|directive| directive.begins(&["master-worker"])) {
            self.warning(
                line,
                "master-worker is missing from global: the agent starts HAProxy that way all the same",
            );
        }
        let sockets: Vec<&Directive> =
            all().filter(|directive| directive.begins(&["stats", "socket"])).collect();
        if !sockets.iter().any(|socket| has(socket, &["expose-fd", "listeners"])) {
            self.warning(line, "no stats socket says \"expose-fd listeners\": a reload loses connections");
        }
        if !sockets.iter().any(|socket| has(socket, &["level", "admin"])) {
            self.error(
                line,
                "no stats socket says \"level admin\": the agent can't ask this HAProxy for anything",
            );
        }
        let Some(descriptors) = limits.descriptors else { return };
        for directive in all().filter(|directive| directive.begins(&["maxconn"])) {
            let connections: u64 = directive.texts().get(1).and_then(|text| text.parse().ok()).unwrap_or(0);
            let needed = connections.saturating_mul(2).saturating_add(SPARE);
            if needed > descriptors {
                self.error(
                    directive.line,
                    format!(
                        "maxconn {connections} needs {needed} descriptors, and a process here may have {descriptors}: {} \
                         is the most",
                        descriptors.saturating_sub(SPARE) / 2
                    ),
                );
            }
        }
    }

    fn client_side(&mut self, document: &Document, section: &Section) {
        if !inherited(document, section, &["option", "idle-close-on-response"]) {
            self.warning(
                section.head.line,
                "option idle-close-on-response is missing: a reload cuts idle keep-alive clients",
            );
        }
        if !inherited(document, section, &["option", "http-restrict-req-hdr-names"]) {
            self.warning(
                section.head.line,
                "option http-restrict-req-hdr-names is missing: a header with '_' may pass for one with '-'",
            );
        }
    }

    fn server_side(&mut self, document: &Document, section: &Section) {
        if !inherited(document, section, &["option", "redispatch"]) {
            self.warning(
                section.head.line,
                "option redispatch is missing: a retry goes to the server that failed",
            );
        }
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        let mut servers = 0;
        for directive in section.statements().filter(|directive| directive.begins(&["server"])) {
            let Some(server) = ServerLine::read(directive) else {
                self.error(directive.line, "a server needs a name and an address");
                continue;
            };
            servers += 1;
            if !names.insert(server.name.clone()) {
                self.error(directive.line, format!("two servers are named {}", server.name));
            }
            if !addresses.insert(server.address.clone()) {
                self.warning(directive.line, format!("two servers have the address {}", server.address));
            }
        }
        let templates = section.has(&["server-template"]) || section.has(&["dispatch"]);
        // A section may answer by itself.
        let answers =
            section.has(&["http-request", "return"]) || section.has(&["stats"]) || section.has(&["redirect"]);
        if servers == 0 && !templates && !answers {
            self.warning(section.head.line, "there is no server: every request is answered with 503");
        }
    }

    fn anywhere(&mut self, directive: &Directive) {
        let texts = directive.texts();
        let after = |words: &[&str]| {
            texts
                .windows(words.len())
                .position(|window| window == words)
                .and_then(|place| texts.get(place + words.len()))
        };
        match directive.keyword().as_str() {
            "retry-on" if texts.iter().any(|word| word == "503" || word == "all-retryable-errors") => {
                self.warning(
                    directive.line,
                    "retry-on 503: a service's own answer is sent for again, which does its work twice",
                );
            }
            "server" | "default-server" if after(&["observe"]).is_some_and(|what| what == "layer7") => {
                self.warning(directive.line, "observe layer7: a faulty service takes its server down");
            }
            "http-check" | "tcp-check" => {
                if let Some(sni) = after(&["sni"]).filter(|sni| sni.contains('(')) {
                    self.error(
                        directive.line,
                        format!("sni {sni} is taken word by word in a check, and fails every one: a name is allowed"),
                    );
                }
            }
            _ => {}
        }
    }
}

fn has(directive: &Directive, words: &[&str]) -> bool {
    directive.texts().windows(words.len()).any(|window| window == words)
}

/// Whether a section has it, or the `defaults` before it that it takes after.
fn inherited(document: &Document, section: &Section, words: &[&str]) -> bool {
    let before = document.sections.iter().take_while(|other| other.head.line != section.head.line);
    let texts = section.head.texts();
    let from = texts.iter().position(|word| word == "from").and_then(|place| texts.get(place + 1));
    let defaults = before.filter(|other| other.keyword() == "defaults");
    let defaults = match from {
        Some(name) => defaults.filter(|other| other.name().as_ref() == Some(name)).last(),
        None => defaults.last(),
    };
    section.has(words) || defaults.is_some_and(|defaults| defaults.has(words))
}

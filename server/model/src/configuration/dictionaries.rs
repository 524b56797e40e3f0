//! Dictionaries in a document: each entry is one map, of its codes by their systems and of its days.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, parsed, shown, text},
    node::{Content, Key, Node},
};
use crate::{
    bounds::{DICTIONARY_ENTRIES_MAX, DICTIONARY_SYSTEMS_MAX, DICTIONARY_SYSTEMS_MIN},
    dictionary::{self, Code, Date, Draft, Named, Parts, System, Table, Unfit, VALID_FROM, VALID_UNTIL},
    name::Name,
};

/// A dictionary as a document has it; whether its parts go together is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictionaryEntry {
    pub name: Name,
    pub summary: Option<String>,
    pub parts: Parts,
}

impl From<&Draft> for DictionaryEntry {
    fn from(draft: &Draft) -> Self {
        Self { name: draft.name.clone(), summary: draft.summary.clone(), parts: draft.table.parts() }
    }
}

impl DictionaryEntry {
    /// What does not go together is told by its place in the document.
    pub fn draft(&self) -> Result<Draft, Vec<Unfit>> {
        let table = Table::new(self.parts.clone()).map_err(|unfit| {
            let placed = |Unfit { path, message }| {
                let path = format!("/{}/{}{}", Self::SECTION, self.name, path.replace("/codes", ""));
                Unfit { path, message }
            };
            unfit.into_iter().map(placed).collect::<Vec<_>>()
        })?;
        Ok(Draft { name: self.name.clone(), summary: self.summary.clone(), table })
    }
}

impl Entry for DictionaryEntry {
    const SECTION: &'static str = "dictionaries";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let summary = members.optional("summary", parsed(dictionary::summary));
        let systems = members.required("systems", systems);
        let defaults = members.or("defaults", BTreeMap::new(), defaults);
        let entries = members.or("entries", Vec::new(), entries);
        let parts = Parts { systems: systems?, defaults: defaults?, entries: entries? };
        Some(Self { name, summary: summary?, parts })
    }

    fn write(&self) -> Map<String, Value> {
        let by_system = |(system, code): (&System, &Code)| (system.to_string(), shown(code.as_str()));
        let entry = |entry: &Named| {
            let days = [(VALID_FROM, entry.valid_from), (VALID_UNTIL, entry.valid_until)];
            let days = days.into_iter().filter_map(|(member, day)| Some((member.to_owned(), json!(day?))));
            // In the order of the systems.
            let codes = self.parts.systems.iter().filter_map(|system| entry.codes.get_key_value(system));
            Value::Object(codes.map(by_system).chain(days).collect())
        };
        let defaults: Map<_, _> = self.parts.defaults.iter().map(by_system).collect();
        let entries: Vec<_> = self.parts.entries.iter().map(entry).collect();
        let members = [
            ("summary", self.summary.as_deref().map(shown)),
            ("systems", Some(json!(self.parts.systems))),
            ("defaults", (!defaults.is_empty()).then_some(Value::Object(defaults))),
            ("entries", (!entries.is_empty()).then_some(Value::Array(entries))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn list<T>(node: &Node, item: impl Fn(&Node) -> Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let Content::List(items) = &node.content else {
        return Err(format!("is {}, but must be a list", node.kind()).into());
    };
    let read = |(at, node): (usize, &Node)| item(node).map_err(|wrong| wrong.below(&at.to_string()));
    items.iter().enumerate().map(read).collect()
}

fn map(node: &Node) -> Result<&[(Key, Node)], Wrong> {
    match &node.content {
        Content::Map(members) => Ok(members),
        _ => Err(format!("is {}, but must be a map", node.kind()).into()),
    }
}

fn systems(node: &Node) -> Result<Vec<System>, Wrong> {
    let systems = list(node, |node| text(node)?.parse::<System>().map_err(Wrong::from))?;
    let count = systems.len();
    if !(DICTIONARY_SYSTEMS_MIN..=DICTIONARY_SYSTEMS_MAX).contains(&count) {
        let allowed = format!("allowed is {DICTIONARY_SYSTEMS_MIN} to {DICTIONARY_SYSTEMS_MAX}");
        return Err(format!("has {count} items; {allowed}").into());
    }
    match (1..count).find(|at| systems.iter().take(*at).any(|earlier| Some(earlier) == systems.get(*at))) {
        Some(at) => Err(Wrong::at(format!("/{at}"), "stands twice")),
        None => Ok(systems),
    }
}

fn code(node: &Node) -> Result<Code, Wrong> {
    Code::try_from(text(node)?).map_err(Wrong::from)
}

fn of_system((key, node): &(Key, Node)) -> Result<(System, Code), Wrong> {
    let system = key.text.parse::<System>().map_err(|error| Wrong::from(error).below(&key.text))?;
    Ok((system, code(node).map_err(|wrong| wrong.below(&key.text))?))
}

fn defaults(node: &Node) -> Result<BTreeMap<System, Code>, Wrong> {
    map(node)?.iter().map(of_system).collect()
}

fn entries(node: &Node) -> Result<Vec<Named>, Wrong> {
    if let Content::List(items) = &node.content
        && items.len() > DICTIONARY_ENTRIES_MAX
    {
        let has = items.len();
        return Err(format!("has {has} items; allowed is 0 to {DICTIONARY_ENTRIES_MAX}").into());
    }
    list(node, entry)
}

fn entry(node: &Node) -> Result<Named, Wrong> {
    let mut named = Named::default();
    for member @ (key, value) in map(node)? {
        let day = match key.text.as_str() {
            VALID_FROM => &mut named.valid_from,
            VALID_UNTIL => &mut named.valid_until,
            _ => {
                let (system, code) = of_system(member)?;
                named.codes.insert(system, code);
                continue;
            }
        };
        let read = text(value).and_then(|text| text.parse::<Date>().map_err(Wrong::from));
        *day = Some(read.map_err(|wrong| wrong.below(&key.text))?);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::configuration::{Document, review, yaml};

    fn read(text: &str) -> Result<Document, Vec<String>> {
        let node = yaml::read(text).unwrap_or_else(|error| panic!("{error}"));
        Document::read(&node).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let text = "# Busbar's configuration: `busbar apply` puts it in place.
busbar: 1
dictionaries:
  countries:
    summary: \"for $${x}\"
    systems:
      - erp
      - shop
      - crm
    defaults:
      shop: XX
    entries:
      - erp: DE
        shop: germany
      - erp: \"276\"
        crm: $${a}
        valid_from: \"2026-01-01\"
        valid_until: \"2026-12-31\"
  empty:
    systems:
      - a
      - b
";
        let document = read(text).unwrap();
        assert_eq!(document.to_yaml(), text);
        let [countries, _] = &document.dictionaries[..] else { panic!("{document:?}") };
        assert_eq!(countries.summary.as_deref(), Some("for ${x}"));
        let (draft, on) = (countries.draft().unwrap(), "2026-12-31".parse().unwrap());
        assert_eq!(draft.table.translate("276", "erp", "crm", on), Ok(Some("${a}")));
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        let told = read(
            "busbar: 1
dictionaries:
  one:
    systems: [erp]
  two:
    systems: [erp, Shop]
    entries: {}
  three:
    systems: [erp, shop, erp]
    defaults:
      crm: ''
  four:
    systems: [erp, shop]
    entries:
      - erp: 12
  five:
    systems: [erp, shop]
    entries:
      - {erp: A, shop: b, valid_from: 1.1.2026}
    colour: red
  six: {}
",
        )
        .unwrap_err();
        let expected = [
            "line 4: dictionaries.one.systems: has 1 items; allowed is 2 to 16",
            "line 6: dictionaries.two.systems.1: system \"Shop\" is not valid",
            "line 7: dictionaries.two.entries: is a map, but must be a list",
            "line 9: dictionaries.three.systems.2: stands twice",
            "line 11: dictionaries.three.defaults.crm: code has 0 characters; allowed is 1 to 256",
            "line 15: dictionaries.four.entries.0.erp: is the number 12, but must be a text; put it in quotes",
            "line 19: dictionaries.five.entries.0.valid_from: date \"1.1.2026\" is not valid",
            "line 20: dictionaries.five.colour: is not known here; known is summary, systems, defaults, entries",
            "dictionaries.six.systems: is required",
        ];
        for words in expected {
            assert!(told.iter().any(|told| told.contains(words)), "{words}\n{told:#?}");
        }
        assert_eq!(told.len(), expected.len(), "{told:#?}");
    }

    #[test]
    fn what_does_not_go_together_is_told_by_its_place() {
        let document = read(
            "busbar: 1
plugins: {p: {grants: {dictionaries: [countries, units, x-*]}}}
dictionaries:
  countries:
    systems: [erp, shop]
    defaults: {crm: X}
    entries:
      - {erp: A, crm: b}
      - {erp: B, shop: b, valid_from: 2026-02-01, valid_until: 2026-01-01}
      - {erp: C}
",
        )
        .unwrap();
        let remarks = review(&document, &BTreeSet::new());
        let told: Vec<_> = remarks.iter().map(|remark| (remark.path.as_str(), remark.fatal)).collect();
        let expected = [
            ("/dictionaries/countries/defaults/crm", true),
            ("/dictionaries/countries/entries/0/crm", true),
            ("/dictionaries/countries/entries/1/valid_until", true),
            ("/dictionaries/countries/entries/2", true),
            ("/plugins/p/grants", false),
        ];
        assert_eq!(told, expected);
        assert!(remarks[4].message.starts_with("dictionary \"units\" is not in the document"));
        assert_eq!(remarks[1].message, "system \"crm\" is not one of the dictionary's; allowed is erp, shop");
    }
}

//! Dictionaries in a document: each entry is one map, of its codes by their systems and of its days.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, parsed, shown, text},
    node::{Content, Key, Node},
};
use crate::{
    bounds::DICTIONARY_ENTRIES_MAX,
    dictionary::{self, Code, Date, Draft, Named, Parts, System, Table, Unfit, VALID_FROM, VALID_UNTIL},
    name::Name,
};

impl Entry for Draft {
    const SECTION: &'static str = "dictionaries";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let summary = members.optional("summary", parsed(dictionary::summary));
        let systems = members.required("systems", |node| list(node, system));
        let defaults = members.or("defaults", BTreeMap::new(), defaults);
        let entries = members.or("entries", Vec::new(), entries);
        let parts = Parts { systems: systems?, defaults: defaults?, entries: entries? };
        match Table::new(parts) {
            Ok(table) => Some(Self { name, summary: summary?, table }),
            Err(unfit) => {
                for Unfit { path, message } in unfit {
                    members.refuse_below(&flat(&path), message);
                }
                None
            }
        }
    }

    fn write(&self) -> Map<String, Value> {
        let by_system = |(system, code): (&System, &Code)| (system.to_string(), shown(code.as_str()));
        let entry = |entry: &dictionary::Entry| {
            let days = [(VALID_FROM, entry.valid_from), (VALID_UNTIL, entry.valid_until)];
            let days = days.into_iter().filter_map(|(member, day)| Some((member.to_owned(), json!(day?))));
            Value::Object(self.table.codes(entry).map(by_system).chain(days).collect())
        };
        let defaults: Map<_, _> = self.table.defaults().map(by_system).collect();
        let entries: Vec<_> = self.table.entries().iter().map(entry).collect();
        let members = [
            ("summary", self.summary.as_deref().map(shown)),
            ("systems", Some(json!(self.table.systems()))),
            ("defaults", (!defaults.is_empty()).then_some(Value::Object(defaults))),
            ("entries", (!entries.is_empty()).then_some(Value::Array(entries))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The place of something unfit, as a document has it.
fn flat(path: &str) -> String {
    path.trim_start_matches('/').replace("/codes", "")
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

fn system(node: &Node) -> Result<System, Wrong> {
    text(node)?.parse().map_err(Wrong::from)
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
    use crate::configuration::{Document, yaml};

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
        let (table, on) = (&countries.table, "2026-12-31".parse().unwrap());
        assert_eq!(table.translate("276", "erp", "crm", on), Ok(Some("${a}")));
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
    systems: [erp, shop]
    defaults:
      crm: X
    entries:
      - erp: A
        crm: b
      - erp: B
        shop: b
        valid_from: 2026-02-01
        valid_until: 2026-01-01
      - erp: C
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
            "line 11: dictionaries.three.defaults.crm: system \"crm\" is not one of the dictionary's",
            "line 14: dictionaries.three.entries.0.crm: system \"crm\" is not one of the dictionary's",
            "line 18: dictionaries.three.entries.1.valid_until: is 2026-01-01, which is before",
            "line 19: dictionaries.three.entries.2: has codes of 1 systems; allowed is 2 or more",
            "line 23: dictionaries.four.entries.0.erp: is the number 12, but must be a text; put it in quotes",
            "line 27: dictionaries.five.entries.0.valid_from: date \"1.1.2026\" is not valid",
            "line 28: dictionaries.five.colour: is not known here; known is summary, systems, defaults, entries",
            "dictionaries.six.systems: is required",
        ];
        for words in expected {
            assert!(told.iter().any(|told| told.contains(words)), "{words}\n{told:#?}");
        }
        assert_eq!(told.len(), expected.len(), "{told:#?}");
    }
}

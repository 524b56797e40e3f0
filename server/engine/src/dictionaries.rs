//! Dictionaries, as services ask them: in memory, from the catalog that their call is pinned to.

#[cfg(test)]
mod tests;

use busbar_model::{
    Fault, Name,
    dictionary::{Date, Lookup, UnknownSystem},
    fault::FaultKind,
};

use crate::{
    authenticate::authorize_dictionary,
    catalog::{BoundService, Catalog},
    ports::Origin,
};

/// An entry that holds on the day that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Each system with its code, in the order of the dictionary's systems.
    pub codes: Vec<(String, String)>,
    /// Days as `2026-12-31`.
    pub valid_from: Option<String>,
    pub valid_until: Option<String>,
}

/// What `to` calls the thing that `from` calls `key`. `on` is a day as `2026-12-31`; if it is absent, the day of the call
/// in UTC.
pub fn translate(
    origin: &Origin,
    dictionary: &str,
    key: &str,
    from: &str,
    to: &str,
    on: Option<&str>,
) -> Result<Option<String>, Fault> {
    let lookup = granted(&origin.context.catalog, &origin.service, dictionary)?;
    let day = on.map_or_else(|| Ok(today(origin)), date)?;
    Ok(lookup.translate(key, from, to, day).map_err(unknown_system)?.map(str::to_owned))
}

/// The entries that hold on a day, in their order.
pub fn entries(origin: &Origin, dictionary: &str, on: Option<&str>) -> Result<Vec<Entry>, Fault> {
    let lookup = granted(&origin.context.catalog, &origin.service, dictionary)?;
    Ok(valid(lookup, on.map_or_else(|| Ok(today(origin)), date)?))
}

fn today(origin: &Origin) -> Date {
    origin.unit.ledger().now().day()
}

fn granted<'c>(catalog: &'c Catalog, service: &BoundService, dictionary: &str) -> Result<&'c Lookup, Fault> {
    let name: Name = dictionary.parse().map_err(|_| unknown_dictionary())?;
    authorize_dictionary(service, &name)?;
    catalog.dictionary(&name).ok_or_else(unknown_dictionary)
}

fn valid(lookup: &Lookup, day: Date) -> Vec<Entry> {
    let table = &lookup.dictionary().draft.table;
    let entry = |entry: &busbar_model::dictionary::Entry| Entry {
        codes: table.codes(entry).map(|(system, code)| (system.to_string(), code.to_string())).collect(),
        valid_from: entry.valid_from.map(String::from),
        valid_until: entry.valid_until.map(String::from),
    };
    table.entries().iter().filter(|entry| entry.is_valid_on(day)).map(entry).collect()
}

fn date(text: &str) -> Result<Date, Fault> {
    text.parse().map_err(|refused: String| Fault::new(FaultKind::InvalidInput, refused))
}

fn unknown_dictionary() -> Fault {
    Fault::new(FaultKind::NotFound, "no dictionary has this name").with_code("dictionary-unknown")
}

fn unknown_system(unknown: UnknownSystem) -> Fault {
    Fault::new(FaultKind::NotFound, unknown.to_string()).with_code("system-unknown")
}

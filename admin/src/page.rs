//! Lists: which part of them is asked for, and how they are answered.

use std::{collections::BTreeMap, marker::PhantomData, str::FromStr};

use axum::{
    Json,
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use busbar_model::bounds::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use busbar_store::{Page, Paged};
use serde::Serialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    check::{Check, shown},
    describe,
    problem::Problem,
};

/// The fields that a list can be narrowed by, each with what it says in the API's description.
pub(crate) trait Filters {
    const ALLOWED: &'static [(&'static str, &'static str)];

    /// What a field's value looks like, where it is not any text.
    fn value(_field: &str) -> RefOr<Schema> {
        String::schema()
    }

    /// What `before` looks like.
    fn cursor() -> RefOr<Schema> {
        String::schema()
    }
}

/// A list that was asked for.
pub(crate) struct List<F> {
    pub(crate) page: Page,
    path: String,
    filters: BTreeMap<String, String>,
    fields: PhantomData<fn(F)>,
}

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    items: Vec<T>,
    /// Where the next page is; null at the end.
    #[schema(required)]
    next: Option<String>,
}

const LIMIT: &str = "limit";
const BEFORE: &str = "before";

/// The query's parameters, each of which is allowed and given once.
pub(crate) fn parameters(uri: &Uri, allowed: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let query = uri.query().unwrap_or_default();
    let pairs = serde_urlencoded::from_str::<Vec<(String, String)>>(query)
        .map_err(|error| Problem::invalid_at("", format!("the query can't be read: {error}")))?;
    let (mut check, mut parameters) = (Check::default(), BTreeMap::new());
    for (name, value) in pairs {
        let path = format!("/{}", shown(&name));
        if !allowed.contains(&name.as_str()) {
            check.refuse(path, format!("is not a query parameter here; allowed is {}", allowed.join(", ")));
        } else if parameters.insert(name, value).is_some() {
            check.refuse(path, "is given more than once");
        }
    }
    check.finish_with(Some(parameters))
}

impl<F: Filters> List<F> {
    fn parse(uri: &Uri) -> Result<Self, Problem> {
        let mut allowed = vec![LIMIT, BEFORE];
        allowed.extend(F::ALLOWED.iter().map(|(name, _)| name));
        let mut filters = parameters(uri, &allowed)?;
        let limit = filters.remove(LIMIT).map_or(Ok(PAGE_ITEMS_DEFAULT), |text| {
            let number = text.parse().ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit));
            number.ok_or_else(|| {
                let message = format!("is {:?}; allowed is 1 to {PAGE_ITEMS_MAX}", shown(&text));
                Problem::invalid_at("/limit", message)
            })
        })?;
        let page = Page { limit, before: filters.remove(BEFORE) };
        Ok(Self { page, path: uri.path().to_owned(), filters, fields: PhantomData })
    }

    pub(crate) fn filter(&self, name: &str) -> Option<String> {
        debug_assert!(F::ALLOWED.iter().any(|(allowed, _)| *allowed == name), "{name} is not declared");
        self.filters.get(name).cloned()
    }

    /// A filter that is read as something. `what` it must be is told where it is not.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.filter(name) else { return Ok(None) };
        let refused = || Problem::invalid_at(format!("/{name}"), format!("is {:?}; {what}", shown(&text)));
        parse(&text).map(Some).ok_or_else(refused)
    }

    /// A filter that is true or false.
    pub(crate) fn switch(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "allowed is true or false", |text| text.parse().ok())
    }

    /// A filter that is one of a few words.
    pub(crate) fn word<T: FromStr>(&self, name: &str, words: &[&str]) -> Result<Option<T>, Problem> {
        self.parsed(name, &format!("allowed is {}", words.join(", ")), |text| text.parse().ok())
    }

    /// The reply, with the address of the next page: this one's with another beginning.
    pub(crate) fn reply<T>(&self, paged: Paged<T>) -> Json<Listed<T>> {
        let next = paged.next.map(|before| {
            let limit = self.page.limit.to_string();
            let mut query: Vec<(&str, &str)> = vec![(LIMIT, &limit), (BEFORE, &before)];
            query.extend(self.filters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            // Pairs of texts can always be encoded.
            format!("{}?{}", self.path, serde_urlencoded::to_string(query).unwrap_or_default())
        });
        Json(Listed { items: paged.items, next })
    }
}

/// The items that are older than the page's beginning; for what the ODB gives whole.
pub(crate) fn cut<T>(page: &Page, mut items: Vec<T>, id: impl Fn(&T) -> String) -> Paged<T> {
    items.sort_by_key(|item| std::cmp::Reverse(id(item)));
    if let Some(before) = &page.before {
        items.retain(|item| id(item) < *before);
    }
    let size = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = items.len() > size;
    items.truncate(size);
    let next = if more { items.last().map(id) } else { None };
    Paged { items, next }
}

/// A page with other items in the same places.
pub(crate) fn map<T, U>(paged: Paged<T>, item: impl FnMut(T) -> U) -> Paged<U> {
    Paged { items: paged.items.into_iter().map(item).collect(), next: paged.next }
}

impl<S: Sync, F: Filters> FromRequestParts<S> for List<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(&parts.uri)
    }
}

impl<F: Filters> IntoParams for List<F> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = describe::whole(1, PAGE_ITEMS_MAX.into()).default(Some(PAGE_ITEMS_DEFAULT.into()));
        let common = [
            (LIMIT, "Items of a page.", RefOr::T(limit.into())),
            (BEFORE, "From the page before, as part of its `next`.", F::cursor()),
        ];
        let own = F::ALLOWED.iter().map(|(name, description)| (*name, *description, F::value(name)));
        let parameter = |(name, description, schema)| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        common.into_iter().chain(own).map(parameter).collect()
    }
}

#[cfg(test)]
mod tests {
    use busbar_store::{Page, Paged};

    use super::{Filters, List, cut};

    struct Fields;

    impl Filters for Fields {
        const ALLOWED: &'static [(&'static str, &'static str)] = &[("name", "")];
    }

    fn parse(query: &str) -> Result<List<Fields>, String> {
        let uri = format!("/things?{query}").parse().unwrap();
        List::parse(&uri).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn the_next_page_is_asked_for_in_the_same_words() {
        let list = parse("name=a%26b&limit=7").unwrap();
        let next = list.reply(Paged::<()> { items: Vec::new(), next: Some("x".to_owned()) }).0.next.unwrap();
        assert_eq!(next, "/things?limit=7&before=x&name=a%26b");
        let again = parse(next.split_once('?').unwrap().1).unwrap();
        assert_eq!((again.page.before.as_deref(), again.filter("name").as_deref()), (Some("x"), Some("a&b")));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for bad in ["limit=0", "limit=501", "limit=x", "limit=1&limit=1", "nme=a"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("nme=a").err().unwrap().contains("limit, before, name"));
    }

    #[test]
    fn cuts_newest_first() {
        let items = |before: Option<&str>| {
            let page = Page { limit: 2, before: before.map(str::to_owned) };
            cut(&page, vec!["b", "a", "c"], |item| (*item).to_owned())
        };
        assert_eq!(items(None), Paged { items: vec!["c", "b"], next: Some("b".to_owned()) });
        assert_eq!(items(Some("b")), Paged { items: vec!["a"], next: None });
    }
}

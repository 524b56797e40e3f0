//! Lists in pages, newest first.

use crate::error::Error;

/// Which part of a list to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub limit: u32,
    /// Only what is older than this: `Paged::next` of the page before.
    pub before: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    pub items: Vec<T>,
    /// `Page::before` of the next page; `None` at the end.
    pub next: Option<String>,
}

impl Page {
    pub fn first(limit: u32) -> Self {
        Self { limit, before: None }
    }

    fn size(&self) -> usize {
        usize::try_from(self.limit.max(1)).unwrap_or(usize::MAX)
    }

    /// Rows to ask for: one more than the page has tells whether there is a next one.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit.max(1)) + 1
    }

    pub(crate) fn cut<R, T>(
        &self,
        mut rows: Vec<R>,
        cursor: impl Fn(&R) -> String,
        item: impl FnMut(R) -> Result<T, Error>,
    ) -> Result<Paged<T>, Error> {
        let more = rows.len() > self.size();
        rows.truncate(self.size());
        let next = if more { rows.last().map(cursor) } else { None };
        Ok(Paged { items: rows.into_iter().map(item).collect::<Result<_, _>>()?, next })
    }
}

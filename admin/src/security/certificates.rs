//! The members `subjects` and `sha256` of a security definition: whose certificates let in.

use std::collections::BTreeSet;

use busbar_model::{
    bounds::{CERTIFICATE_SUBJECT_CHARS_MAX, CERTIFICATES_MAX},
    security::{
        Certificates,
        certificate::{self, Invalid, Unfit},
    },
};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type, schema::ArrayBuilder};

use crate::{check::Check, describe, member::Member};

/// `busbar_model::security::certificate::subject`.
const SUBJECT: &str =
    r"^/[^=/\u0000-\u001F\u007F-\u009F]+=([^\u0000-\u001F\u007F-\u009F]*[^\u0000-\u0020\u007F-\u009F])?$";
const SHA256: &str = "^[0-9a-fA-F]{64}$";

/// Lists that are to be set; `None` leaves one as it is.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) subjects: Option<BTreeSet<String>>,
    pub(super) sha256: Option<BTreeSet<String>>,
}

pub(super) fn checked(
    subjects: Member<Vec<String>>,
    sha256: Member<Vec<String>>,
    check: &mut Check,
) -> Change {
    Change {
        subjects: items(subjects, check, "/subjects", certificate::subjects),
        sha256: items(sha256, check, "/sha256", certificate::sha256s),
    }
}

/// A list in which the wrong item is named by its index. Null is an empty one.
fn items(
    given: Member<Vec<String>>,
    check: &mut Check,
    path: &str,
    parse: impl FnOnce(&[String]) -> Result<BTreeSet<String>, (usize, Invalid)>,
) -> Option<BTreeSet<String>> {
    let list = match given {
        Member::Absent => return None,
        Member::Null => Vec::new(),
        Member::Given(list) => list,
    };
    check.ok(path, certificate::counted(&list))?;
    match parse(&list) {
        Ok(items) => Some(items),
        Err((at, invalid)) => {
            check.refuse(format!("{path}/{at}"), invalid.to_string());
            None
        }
    }
}

impl Change {
    pub(super) fn over(self, present: Certificates) -> Result<Certificates, Unfit> {
        let subjects = self.subjects.unwrap_or(present.subjects);
        let sha256 = self.sha256.unwrap_or(present.sha256);
        Certificates { subjects, sha256 }.checked()
    }
}

/// Definitions of the kind, by the list that is not empty. `or_null`: null stands for an empty list.
pub(crate) fn described(of_kind: impl Fn() -> ObjectBuilder, or_null: bool) -> [ObjectBuilder; 2] {
    let optional = |schema| if or_null { describe::nullable(schema) } else { schema };
    let by_subject = of_kind()
        .property("subjects", list(subject(), 1, CERTIFICATES_MAX))
        .required("subjects")
        .property("sha256", optional(list(sha256(), 0, CERTIFICATES_MAX)));
    let by_sha256 = of_kind()
        .property("sha256", list(sha256(), 1, CERTIFICATES_MAX))
        .required("sha256")
        .property("subjects", optional(list(subject(), 0, 0)));
    [by_subject, by_sha256]
}

pub(super) fn subjects_or_null() -> RefOr<Schema> {
    describe::nullable(list(subject(), 0, CERTIFICATES_MAX))
}

pub(super) fn sha256_or_null() -> RefOr<Schema> {
    describe::nullable(list(sha256(), 0, CERTIFICATES_MAX))
}

fn subject() -> ObjectBuilder {
    text(SUBJECT).max_length(Some(CERTIFICATE_SUBJECT_CHARS_MAX))
}

fn sha256() -> ObjectBuilder {
    text(SHA256)
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

fn list(items: ObjectBuilder, least: usize, most: usize) -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(items).min_items(Some(least)).max_items(Some(most));
    RefOr::T(Schema::Array(list.build()))
}

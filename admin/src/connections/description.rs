//! What a connection looks like, for the API's description: new, changed, shown, and in a document.

mod amqp;
mod http;
mod soap;
mod sql;
mod text;
mod tls;

use std::borrow::Cow;

use busbar_model::connection;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema, Type,
        schema::{AnyOfBuilder, OneOfBuilder},
    },
};

use super::View;
use crate::describe::{self, members, nullable};

/// A new connection of some kind.
pub(crate) struct New;

/// What is to be changed of a connection. Null puts a member that has a default back to it.
pub(crate) struct Patch;

/// Where a member stands.
#[derive(Clone, Copy)]
enum Style {
    /// In a request: null stands for the default.
    Given,
    /// In a document.
    Written,
    /// In a reply: nothing is left out.
    Shown,
}

impl Style {
    /// A value that has a default.
    fn of(self, schema: RefOr<Schema>) -> RefOr<Schema> {
        match self {
            Self::Given => nullable(schema),
            Self::Written | Self::Shown => schema,
        }
    }

    /// The same of an object or a list.
    fn nested(self, schema: RefOr<Schema>) -> RefOr<Schema> {
        match self {
            Self::Given | Self::Written => nullable(schema),
            Self::Shown => schema,
        }
    }

    fn object(self, object: ObjectBuilder, names: &[&str]) -> RefOr<Schema> {
        match self {
            Self::Given | Self::Written => object.into(),
            Self::Shown => names.iter().fold(object, |object, name| object.required(*name)).into(),
        }
    }
}

/// The members of a kind of connection.
#[derive(Clone)]
struct Members {
    kind: &'static str,
    members: Vec<(&'static str, RefOr<Schema>, bool)>,
}

impl Members {
    fn of(kind: &'static str) -> Self {
        Self { kind, members: Vec::new() }
    }

    /// In place of one that has the name already.
    fn with(self, name: &'static str, schema: RefOr<Schema>) -> Self {
        self.put(name, schema, false)
    }

    fn required(self, name: &'static str, schema: RefOr<Schema>) -> Self {
        self.put(name, schema, true)
    }

    fn put(mut self, name: &'static str, schema: RefOr<Schema>, required: bool) -> Self {
        self.members.retain(|(known, ..)| *known != name);
        self.members.push((name, schema, required));
        self
    }

    /// With the name and what else connections of all kinds have.
    fn of_request(self) -> Self {
        self.with("active", nullable(describe::switch()))
    }

    fn with_kind(self) -> Self {
        let kind = describe::one_of([self.kind]);
        self.required("kind", kind)
    }

    fn object(self) -> ObjectBuilder {
        let required: Vec<&str> =
            self.members.iter().filter(|(.., required)| *required).map(|(name, ..)| *name).collect();
        let object = members(self.members.into_iter().map(|(name, schema, _)| (name, schema)));
        required.into_iter().fold(object.schema_type(Type::Object), |object, name| object.required(name))
    }
}

fn one_of(all: impl IntoIterator<Item = Members>) -> RefOr<Schema> {
    all.into_iter().map(Members::object).fold(OneOfBuilder::new(), OneOfBuilder::item).into()
}

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let all = [amqp::new(), http::new(), soap::new(), sql::new()].into_iter().flatten();
        one_of(all.map(|kind| kind.of_request().required("name", describe::name()).with_kind()))
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewConnection".into()
    }
}

impl PartialSchema for Patch {
    fn schema() -> RefOr<Schema> {
        let all = [amqp::patch(), http::patch(connection::http::KIND), soap::patch(), sql::patch()];
        let all = all.map(|kind| kind.of_request().with("name", describe::name()).object());
        all.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).into()
    }
}

impl ToSchema for Patch {
    fn name() -> Cow<'static, str> {
        "ConnectionPatch".into()
    }
}

impl PartialSchema for View {
    fn schema() -> RefOr<Schema> {
        let all = [amqp::shown(), http::shown(connection::http::KIND), soap::shown(), sql::shown()];
        let text = || RefOr::<Schema>::from(ObjectBuilder::new().schema_type(Type::String));
        one_of(all.map(|kind| {
            kind.required("id", text())
                .required("name", text())
                .with_kind()
                .required("active", describe::switch())
                .required("created_at", describe::time())
                .required("updated_at", describe::time())
                .required("href", text())
        }))
    }
}

impl ToSchema for View {
    fn name() -> Cow<'static, str> {
        "Connection".into()
    }
}

/// A connection in a document. A secret that is left out stays as it is.
pub(crate) fn described() -> RefOr<Schema> {
    let http = http::described(connection::http::KIND);
    let http = http.into_iter().map(|kind| kind.required("base_url", http::base_url()));
    let all = std::iter::once(amqp::described()).chain(http).chain(soap::described()).chain(sql::described());
    one_of(all.map(|kind| kind.with("active", describe::switch()).with_kind()))
}

//! The member `soap` of a channel: what only SOAP channels have.

use busbar_model::{
    bounds::{SOAP_NAMESPACE_CHARS_MAX, SOAP_OPERATION_CHARS_MAX},
    soap::{Soap, check_namespace, check_operation},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{
    check::Check,
    describe,
    member::{Member, Object},
};

/// `busbar_model::soap::check_operation`.
const OPERATION: &str = "^[A-Za-z_][A-Za-z0-9._-]*$";
/// `busbar_model::soap::check_namespace`.
const NAMESPACE: &str = r#"^[A-Za-z][A-Za-z0-9+.-]*:[^<>"{}|\\^`\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFFFE\uFFFF]+$"#;

/// What a SOAP channel says of itself beside its address; null: the default.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Soap)]
pub(crate) struct View {
    /// Target namespace of its messages. Default: `urn:busbar:PLUGIN:vMAJOR`.
    #[schema(required)]
    namespace: Option<String>,
    /// Default: the last word of the service's name.
    #[schema(required)]
    operation: Option<String>,
}

impl From<Soap> for View {
    fn from(Soap { namespace, operation }: Soap) -> Self {
        Self { namespace, operation }
    }
}

/// What is to be changed. Null puts a member back to its default.
#[derive(Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SoapPatch)]
pub(crate) struct Patch {
    #[serde(default)]
    #[schema(schema_with = namespace_or_null)]
    namespace: Member<String>,
    #[serde(default)]
    #[schema(schema_with = operation_or_null)]
    operation: Member<String>,
}

/// A checked patch of the whole member.
#[derive(Debug)]
pub(crate) enum Edit {
    Keep,
    Remove,
    /// Of each member `None` leaves it as it is.
    Change {
        namespace: Option<Option<String>>,
        operation: Option<Option<String>>,
    },
}

pub(crate) fn checked(given: Member<Object<Patch>>, check: &mut Check) -> Edit {
    let Object(patch) = match given {
        Member::Absent => return Edit::Keep,
        Member::Null => return Edit::Remove,
        Member::Given(patch) => patch,
    };
    let namespace = |text: String| check_namespace(&text).map(|()| Some(text));
    let operation = |text: String| check_operation(&text).map(|()| Some(text));
    Edit::Change {
        namespace: patch.namespace.checked(check, "/soap/namespace", Some(None), namespace),
        operation: patch.operation.checked(check, "/soap/operation", Some(None), operation),
    }
}

impl Edit {
    pub(crate) fn apply(&self, before: Option<Soap>) -> Option<Soap> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Change { namespace, operation } => {
                let before = before.unwrap_or_default();
                Some(Soap {
                    namespace: namespace.clone().unwrap_or(before.namespace),
                    operation: operation.clone().unwrap_or(before.operation),
                })
            }
        }
    }
}

/// With an operation of its own.
pub(crate) fn with_operation() -> RefOr<Schema> {
    let members = [("namespace", namespace_or_null()), ("operation", operation())];
    describe::members(members).required("operation").into()
}

/// Without one: that is the service's.
pub(crate) fn without_operation() -> ObjectBuilder {
    describe::members([("namespace", namespace_or_null()), ("operation", null())]).schema_type(Type::Object)
}

pub(crate) fn null() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Null).into()
}

fn operation() -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(OPERATION));
    text.max_length(Some(SOAP_OPERATION_CHARS_MAX)).into()
}

fn operation_or_null() -> RefOr<Schema> {
    describe::nullable(operation())
}

fn namespace_or_null() -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(NAMESPACE));
    describe::nullable(text.max_length(Some(SOAP_NAMESPACE_CHARS_MAX)).into())
}

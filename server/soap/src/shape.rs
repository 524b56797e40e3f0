//! A payload's shape: what JSON it has, and what XML stands for it.
//!
//! Types refer to each other by index, since schemas may be recursive. A shape is made by `compile` from a JSON Schema
//! and never changes afterwards, but for the names of its types, which are made unique among the operations of one
//! address.

use std::sync::Arc;

/// An index into [`Shape::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub usize);

/// One payload: what stands in an operation's element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub types: Vec<Type>,
    /// The content of the operation's element.
    pub root: TypeId,
    /// The schema's `title` or `description`, for the operation's element.
    pub documentation: Option<String>,
    /// JSON `null` is an operation's element without content; reading gives `{}` where that has all that is required.
    pub nullable: bool,
}

/// Something that XML content stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// What it is called in XSD. Only what the schema names (`$defs`), which includes all that is recursive.
    pub name: Option<String>,
    pub documentation: Option<String>,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text: a JSON string, number or boolean.
    Scalar(Scalar),
    /// A JSON object with members: attributes, then elements in the order of declaration.
    Record(Record),
    /// One of several elements.
    Choice(Vec<Variant>),
    /// A JSON array: its items as repeated elements, none of them for `[]`.
    List(Element),
    /// A JSON value that is no object, where one element has to stand for it: `<value>`.
    Sole(Element),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub kind: ScalarKind,
    /// The allowed values as their JSON (texts without quotes), in the order of declaration; empty allows all.
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarKind {
    /// `xs:string`; white space is kept.
    Text,
    /// `xs:boolean`
    Boolean,
    /// A JSON number without fraction.
    Integer(Width),
    /// `xs:double`; INF and NaN have no JSON.
    Double,
    /// `xs:decimal`, a JSON string of any length.
    Decimal,
    /// `xs:decimal`, a JSON number whose digits are kept as they are.
    DecimalNumber,
    /// `xs:date`: JSON `format` date (RFC 3339, full-date). A zone in XML is dropped, since JSON has none.
    Date,
    /// `xs:dateTime`: JSON `format` date-time (RFC 3339), which requires a zone.
    DateTime,
    /// `xs:base64Binary`: a JSON string in base64 (RFC 4648, section 4), or an MTOM part.
    Binary,
    Foreign(Foreign),
}

/// What only schemas of others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// Text without white space around it: `xs:token`, `xs:anyURI`, lists, unions and much else.
    Token,
    /// `xs:integer`, a JSON number without fraction, of any length.
    Whole,
    /// `xs:dateTime` as JSON has it, but that its zone may be missing.
    Moment,
    /// `xs:QName`: `{namespace}local` in JSON, or the local name alone where there is no namespace.
    Name,
    /// Whatever stands in an element, as a JSON string: XML that is well-formed within it.
    Markup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// `xs:byte`, `xs:short`, `xs:int`, `xs:long` (also of an integer without format)
    I8,
    I16,
    I32,
    I64,
    /// `xs:unsignedByte`, `xs:unsignedShort`, `xs:unsignedInt`, `xs:unsignedLong`
    U8,
    U16,
    U32,
    U64,
}

/// A namespace of the schema's own choice, or the operation's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespace {
    /// The operation's; elements are qualified by it, attributes are in none.
    Target,
    Other(String),
    /// By a prefix that the payload's own element declares.
    Prefixed {
        prefix: Arc<str>,
        uri: Arc<str>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub namespace: Namespace,
    pub name: String,
    /// JSON `null` is `xsi:nil="true"`.
    pub nillable: bool,
    pub value: TypeId,
    pub documentation: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub attributes: Vec<Attribute>,
    pub members: Vec<Member>,
    /// What every value of it has besides, and XML has not: a variant's tag and its value.
    pub tag: Option<(String, String)>,
}

/// A member of a JSON object that is an element, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in JSON.
    pub json: String,
    pub element: Element,
    pub occurs: Occurs,
    /// Required in JSON. Not required is `minOccurs="0"`, and its `null` is left out.
    pub required: bool,
    /// JSON may have `null` here: for `Occurs::Once` required ones that is `element.nillable` too. A required array that may
    /// be `null` is one element with `xsi:nil`, which its items therefore can't have.
    pub nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    Once,
    /// An array without an element of its own: `element` repeats.
    Repeated,
    /// The text of the record's own element, which has no other member but attributes.
    Content,
}

/// A member of a JSON object that is an attribute; its value is a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub json: String,
    /// `None` is no namespace.
    pub namespace: Option<String>,
    pub name: String,
    pub required: bool,
    /// An optional one that is `null` is left out.
    pub nullable: bool,
    pub value: TypeId,
    pub documentation: Option<String>,
}

/// One way of a choice: an element of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub element: Element,
    pub form: VariantForm,
}

/// What JSON a variant is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariantForm {
    /// The JSON string; the element is empty (its type is a record without members).
    Unit(String),
    /// `{"NAME": value}`: an object with this member alone.
    External(String),
    /// `{"TAG": "VALUE", …}`: the object itself, its tag told by the element's name. The element's type is a
    /// [`Record`] whose `tag` is this pair.
    Internal { tag: String, value: String },
}

impl Shape {
    pub fn of(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }
}

impl Width {
    /// The least and the greatest value.
    pub fn range(self) -> (i128, i128) {
        match self {
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
        }
    }
}

impl ScalarKind {
    /// The name of its type in XSD (part 2), without a prefix.
    pub fn xsd(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::Integer(Width::I8) => "byte",
            Self::Integer(Width::I16) => "short",
            Self::Integer(Width::I32) => "int",
            Self::Integer(Width::I64) => "long",
            Self::Integer(Width::U8) => "unsignedByte",
            Self::Integer(Width::U16) => "unsignedShort",
            Self::Integer(Width::U32) => "unsignedInt",
            Self::Integer(Width::U64) => "unsignedLong",
            Self::Double => "double",
            Self::Decimal | Self::DecimalNumber => "decimal",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Binary => "base64Binary",
            Self::Foreign(Foreign::Token) => "token",
            Self::Foreign(Foreign::Whole) => "integer",
            Self::Foreign(Foreign::Moment) => "dateTime",
            Self::Foreign(Foreign::Name) => "QName",
            Self::Foreign(Foreign::Markup) => "anyType",
        }
    }
}

//! The attributes of busbar-sdk, which documents and re-exports them.

mod attribute;
mod service;
mod types;

use proc_macro::TokenStream;

/// Makes a service of a function.
///
/// The function takes a type with `#[input]`, a `Request` or nothing, and returns a `Result` of a type with
/// `#[output]`, a `Reply` of one or a `Response`. The first paragraph of its doc comment is the summary.
/// Arguments, all optional:
///
/// - `rest = "GET,PUT /orders/{id}"`: proposes a channel; without methods, any. May be repeated.
/// - `soap = "/soap/orders"`: proposes a SOAP channel; the operation is the last word of the service's name, so
///   that services may share a path. May be repeated.
/// - `name = "orders.find"`: instead of `{crate}.{function}`.
/// - `invokes = "stock.reserve"`: a service that this one calls. May be repeated.
/// - `secret = "pay-key"`: a secret that this one reads. May be repeated.
/// - `calls_per_instance = 100`: let an instance serve so many calls instead of one.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(arguments.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// For a type that is read: derives `Deserialize` and `JsonSchema`.
#[proc_macro_attribute]
pub fn input(arguments: TokenStream, item: TokenStream) -> TokenStream {
    types::expand(&arguments.into(), &item.into(), types::Direction::In)
}

/// For a type that is written: derives `Serialize` and `JsonSchema`.
#[proc_macro_attribute]
pub fn output(arguments: TokenStream, item: TokenStream) -> TokenStream {
    types::expand(&arguments.into(), &item.into(), types::Direction::Out)
}

/// For a type that is read and written: derives `Deserialize`, `Serialize` and `JsonSchema`.
#[proc_macro_attribute]
pub fn data(arguments: TokenStream, item: TokenStream) -> TokenStream {
    types::expand(&arguments.into(), &item.into(), types::Direction::Both)
}

//! `#[input]`, `#[output]`, `#[data]`: the derives, pointed at the SDK's own serde and schemars.

use proc_macro2::TokenStream;
use quote::quote;

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    In,
    Out,
    Both,
}

pub(crate) fn expand(
    arguments: &TokenStream,
    item: &TokenStream,
    direction: Direction,
) -> proc_macro::TokenStream {
    if !arguments.is_empty() {
        let error = syn::Error::new_spanned(arguments, "takes no arguments; use #[serde(…)] on the type");
        return error.into_compile_error().into();
    }
    let deserialize = quote!(::busbar_sdk::serde::Deserialize);
    let serialize = quote!(::busbar_sdk::serde::Serialize);
    let derived = match direction {
        Direction::In => deserialize,
        Direction::Out => serialize,
        Direction::Both => quote!(#deserialize, #serialize),
    };
    quote! {
        #[derive(#derived, ::busbar_sdk::schemars::JsonSchema)]
        #[serde(crate = "::busbar_sdk::serde")]
        #[schemars(crate = "::busbar_sdk::schemars")]
        #item
    }
    .into()
}

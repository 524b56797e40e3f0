//! `#[service]`: leaves the function as it is and adds an empty type of the same name (types and functions
//! have separate namespaces) that implements `Service`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, Meta, Result, ReturnType, Signature, Type};

use crate::attribute::{Arguments, Channel};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments: Arguments = syn::parse2(arguments)?;
    let function: ItemFn = syn::parse2(item)?;
    let outcome = outcome(&function.sig)?;
    let (input, call) = call(&function.sig)?;
    let declaration = declaration(&arguments, &function);
    let (name, visibility) = (&function.sig.ident, &function.vis);
    Ok(quote! {
        #function

        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "named as the function is")]
        #visibility enum #name {}

        impl ::busbar_sdk::Service for #name {
            const DECLARATION: ::busbar_sdk::Declaration = #declaration;

            fn schemas() -> (Option<String>, Option<String>) {
                (<#input as ::busbar_sdk::Input>::schema(), <#outcome as ::busbar_sdk::Outcome>::schema())
            }

            fn handle(request: ::busbar_sdk::Request) -> Result<::busbar_sdk::Response, ::busbar_sdk::Fault> {
                let input = <#input as ::busbar_sdk::Input>::from_request(request)?;
                ::busbar_sdk::Outcome::into_response(#call)
            }
        }
    })
}

/// What the function returns.
fn outcome(signature: &Signature) -> Result<&Type> {
    if let Some(asyncness) = signature.asyncness {
        return Err(Error::new_spanned(asyncness, "a service is not async: the bus waits, not the service"));
    }
    match &signature.output {
        ReturnType::Type(_, outcome) => Ok(outcome),
        ReturnType::Default => Err(Error::new_spanned(signature, "a service returns a Result<_, Fault>")),
    }
}

/// The type of the parameter, and the call with it.
fn call(signature: &Signature) -> Result<(TokenStream, TokenStream)> {
    let name = &signature.ident;
    match signature.inputs.iter().collect::<Vec<_>>()[..] {
        [] => Ok((quote!(::busbar_sdk::NoInput), quote!({ let _ = input; #name() }))),
        [FnArg::Typed(parameter)] => {
            let input = &parameter.ty;
            Ok((quote!(#input), quote!(#name(input))))
        }
        _ => Err(Error::new_spanned(
            &signature.inputs,
            "a service takes one parameter: its input or a Request",
        )),
    }
}

fn declaration(arguments: &Arguments, function: &ItemFn) -> TokenStream {
    let name = match &arguments.name {
        Some(name) => quote!(#name),
        None => {
            let function = function.sig.ident.to_string();
            quote!(concat!(env!("CARGO_PKG_NAME"), ".", #function))
        }
    };
    let summary = option(summary(&function.attrs));
    let channels = arguments.channels.iter().map(|Channel { protocol, methods, path }| {
        quote!(::busbar_sdk::Channel { protocol: #protocol, path: #path, methods: &[#(#methods),*] })
    });
    let (invokes, secrets) = (&arguments.invokes, &arguments.secrets);
    let calls_per_instance = option(arguments.calls_per_instance.as_ref());
    quote! {
        ::busbar_sdk::Declaration {
            name: #name,
            summary: #summary,
            channels: &[#(#channels),*],
            invokes: &[#(#invokes),*],
            secrets: &[#(#secrets),*],
            calls_per_instance: #calls_per_instance,
        }
    }
}

fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

/// The first paragraph of the doc comment, on one line.
fn summary(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(doc_line);
    let paragraph: Vec<String> = lines
        .map(|line| line.trim().to_owned())
        .skip_while(String::is_empty)
        .take_while(|line| !line.is_empty())
        .collect();
    (!paragraph.is_empty()).then(|| paragraph.join(" "))
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

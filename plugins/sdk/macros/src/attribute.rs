//! What stands in `#[service(…)]`.

use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitInt, LitStr, Result, Token};

/// The parsed arguments.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) invokes: Vec<LitStr>,
    pub(crate) secrets: Vec<LitStr>,
    pub(crate) calls_per_instance: Option<LitInt>,
}

/// `GET,POST /types/{id}`, or `/soap/types`
pub(crate) struct Channel {
    pub(crate) protocol: &'static str,
    pub(crate) methods: Vec<String>,
    pub(crate) path: String,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "name" => arguments.name = Some(input.parse()?),
                "rest" => arguments.channels.push(Channel::rest(&input.parse()?)?),
                "soap" => arguments.channels.push(Channel::soap(&input.parse()?)?),
                "invokes" => arguments.invokes.push(input.parse()?),
                "secret" => arguments.secrets.push(input.parse()?),
                "calls_per_instance" => {
                    let number: LitInt = input.parse()?;
                    number.base10_parse::<u32>()?;
                    arguments.calls_per_instance = Some(number);
                }
                _ => {
                    return Err(syn::Error::new(
                        key.span(),
                        "expected name, rest, soap, invokes, secret or calls_per_instance",
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl Channel {
    fn rest(literal: &LitStr) -> Result<Self> {
        let text = literal.value();
        let (methods, path) = text.rsplit_once(' ').unwrap_or(("", &text));
        let methods: Vec<String> =
            methods.split([',', ' ']).filter(|method| !method.is_empty()).map(str::to_owned).collect();
        let well_formed = path.starts_with('/')
            && methods
                .iter()
                .all(|method| method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-'));
        if !well_formed {
            return Err(syn::Error::new(
                literal.span(),
                r#"expected "/path/{parameter}" or "GET,POST /path""#,
            ));
        }
        Ok(Self { protocol: "rest", methods, path: path.to_owned() })
    }

    fn soap(literal: &LitStr) -> Result<Self> {
        let path = literal.value();
        if !path.starts_with('/') || path.contains([' ', '{', '}']) {
            return Err(syn::Error::new(
                literal.span(),
                r#"expected "/path" without methods and parameters"#,
            ));
        }
        Ok(Self { protocol: "soap", methods: Vec::new(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments> {
        syn::parse_str(text)
    }

    #[test]
    fn arguments_are_read() {
        let arguments = parse(
            r#"rest = "GET, PUT /orders/{id}", rest = "/any", soap = "/soap/orders", invokes = "a.b", secret = "k", calls_per_instance = 5,"#,
        );
        let arguments = arguments.ok().unwrap();
        assert_eq!(arguments.channels[0].methods, ["GET", "PUT"]);
        assert_eq!(arguments.channels[0].path, "/orders/{id}");
        assert!(arguments.channels[1].methods.is_empty());
        let soap = &arguments.channels[2];
        assert_eq!((soap.protocol, soap.path.as_str(), soap.methods.len()), ("soap", "/soap/orders", 0));
        assert_eq!(parse(r#"name = "x.y""#).ok().unwrap().name.unwrap().value(), "x.y");
        assert_eq!(arguments.invokes[0].value(), "a.b");
        assert_eq!(arguments.secrets[0].value(), "k");
        assert_eq!(arguments.calls_per_instance.unwrap().base10_digits(), "5");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            r#"rest = "orders""#,
            r#"rest = "get /orders""#,
            "speed = 3",
            "calls_per_instance = -1",
            r#"soap = "POST /soap""#,
            r#"soap = "/soap/{id}""#,
            r#"soap = "soap""#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

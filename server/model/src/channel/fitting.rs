//! What a channel of each protocol can have: one set of rules, whoever defines it.

use super::{
    Protocol,
    address::{Address, Message, Rest},
};
use crate::{
    amqp::Amqp,
    cors::Cors,
    name::Name,
    path::PathPattern,
    soap::{self, Soap},
};

/// The one method that callers of a SOAP channel need; its description is read with GET.
const CALLS: &str = "POST";
const REQUIRED: &str = "is required";

/// A member of a channel that does not go with its protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {message}")]
pub struct Misfit {
    /// JSON Pointer (RFC 6901) without its first '/': `path`, `soap/operation`.
    pub member: String,
    pub message: String,
}

/// An address as its author writes it: members of all protocols side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub protocol: Protocol,
    pub path: Option<PathPattern>,
    pub methods: Vec<String>,
    pub security: Option<Name>,
    pub cors: Option<Cors>,
    pub soap: Option<Soap>,
    pub amqp: Option<Amqp>,
}

impl Written {
    /// Nothing of it.
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, path: None, methods: Vec::new(), security: None, cors: None, soap: None, amqp: None }
    }

    /// The address of a channel to `service`, or all that does not go together in it.
    pub fn fitted(self, service: &Name) -> Result<Address, Vec<Misfit>> {
        let mut misfits = match self.protocol {
            Protocol::Rest => Vec::new(),
            Protocol::Soap => self.soap_misfits(service),
            Protocol::Amqp => self.amqp_misfits(),
        };
        for (member, given, protocol) in
            [("soap", self.soap.is_some(), Protocol::Soap), ("amqp", self.amqp.is_some(), Protocol::Amqp)]
        {
            if given && self.protocol != protocol {
                misfits
                    .push(misfit(member, format!("is for channels of protocol {} only", protocol.as_str())));
            }
        }
        if self.protocol != Protocol::Amqp && self.path.is_none() {
            misfits.push(misfit("path", REQUIRED));
        }
        if self.protocol == Protocol::Amqp && self.amqp.is_none() {
            misfits.push(misfit("amqp", REQUIRED));
        }
        if !misfits.is_empty() {
            return Err(misfits);
        }
        let Self { protocol, path, methods, security, cors, soap, amqp } = self;
        let address = match protocol {
            Protocol::Rest => path.map(|path| Address::Rest(Rest { path, methods, security, cors })),
            Protocol::Soap => {
                path.map(|path| Address::Soap(Message { path, security, soap: soap.unwrap_or_default() }))
            }
            Protocol::Amqp => amqp.map(Address::Amqp),
        };
        address.ok_or_else(Vec::new)
    }

    fn soap_misfits(&self, service: &Name) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let mut refuse = |member, message: String| misfits.push(misfit(member, message));
        if let Some(parameter) = self.path.iter().flat_map(PathPattern::parameters).next() {
            refuse("path", format!("has a parameter, {parameter:?}; that of a SOAP channel has none"));
        }
        if self.methods.iter().any(|method| method != CALLS) {
            refuse(
                "methods",
                "of a SOAP channel is empty: it is called with POST, and GET gives its WSDL".into(),
            );
        }
        if self.cors.is_some() {
            refuse("cors", "is not for SOAP channels".into());
        }
        let soap = self.soap.clone().unwrap_or_default();
        if let Some(namespace) = soap.namespace.as_deref()
            && let Err(error) = soap::check_namespace(namespace)
        {
            refuse("soap/namespace", error);
        }
        let given = soap.operation.is_some();
        if let Err(error) = soap::check_operation(soap::operation(&soap, service)) {
            let hint = if given { "" } else { "; the service's name gives none, so it must be set here" };
            refuse("soap/operation", format!("{error}{hint}"));
        }
        misfits
    }

    fn amqp_misfits(&self) -> Vec<Misfit> {
        let given = [
            ("path", self.path.is_some()),
            ("methods", !self.methods.is_empty()),
            ("security", self.security.is_some()),
            ("cors", self.cors.is_some()),
        ];
        let foreign = given.into_iter().filter(|(_, given)| *given);
        let mut misfits: Vec<Misfit> =
            foreign.map(|(member, _)| misfit(member, "is not for AMQP channels")).collect();
        let own = self.amqp.iter().flat_map(Amqp::misfits);
        misfits.extend(own.map(|(member, message)| misfit(format!("amqp/{member}"), message)));
        misfits
    }
}

fn misfit(member: impl Into<String>, message: impl Into<String>) -> Misfit {
    Misfit { member: member.into(), message: message.into() }
}

impl From<Address> for Written {
    fn from(address: Address) -> Self {
        let nothing = Self::new(address.protocol());
        match address {
            Address::Rest(Rest { path, methods, security, cors }) => {
                Self { path: Some(path), methods, security, cors, ..nothing }
            }
            Address::Soap(Message { path, security, soap }) => {
                let soap = (soap != Soap::default()).then_some(soap);
                Self { path: Some(path), security, soap, ..nothing }
            }
            Address::Amqp(amqp) => Self { amqp: Some(amqp), ..nothing },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Misfit, Written};
    use crate::{
        amqp::Amqp,
        channel::{Address, Protocol},
        cors::Cors,
        path::PathPattern,
        soap::Soap,
    };

    fn written(protocol: Protocol, path: &str) -> Written {
        Written { path: Some(PathPattern::parse(path).unwrap()), ..Written::new(protocol) }
    }

    fn fitted(written: Written, service: &str) -> Result<Address, Vec<Misfit>> {
        written.fitted(&service.parse().unwrap())
    }

    fn members(refused: Result<Address, Vec<Misfit>>) -> Vec<String> {
        refused.unwrap_err().into_iter().map(|misfit| misfit.member).collect()
    }

    #[test]
    fn a_soap_channel_has_one_form() {
        let plain = written(Protocol::Soap, "/soap/orders");
        let address = fitted(plain.clone(), "orders.submit").unwrap();
        let post = Written { methods: vec!["POST".to_owned()], soap: Some(Soap::default()), ..plain.clone() };
        assert_eq!(fitted(post, "orders.submit").unwrap(), address);
        assert_eq!(Written::from(address), plain);
    }

    #[test]
    fn all_that_does_not_fit_is_told() {
        let odd = Written {
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            cors: Some(Cors::default()),
            soap: Some(Soap { namespace: Some("orders".to_owned()), operation: Some("a b".to_owned()) }),
            ..written(Protocol::Soap, "/soap/{which}")
        };
        let expected = ["path", "methods", "cors", "soap/namespace", "soap/operation"];
        assert_eq!(members(fitted(odd, "orders.submit")), expected);
        let tail = written(Protocol::Soap, "/soap/{rest...}");
        assert_eq!(members(fitted(tail, "orders.submit")), ["path"]);
    }

    #[test]
    fn a_service_whose_name_gives_no_operation_needs_one_set() {
        let unnamed = written(Protocol::Soap, "/soap/zip");
        let [misfit] = &fitted(unnamed.clone(), "files.7zip").unwrap_err()[..] else { panic!() };
        assert!(misfit.to_string().starts_with("soap/operation \"7zip\" is not"), "{misfit}");
        assert!(misfit.message.ends_with("must be set here"), "{misfit}");
        let named = Soap { operation: Some("zip".to_owned()), ..Soap::default() };
        assert!(fitted(Written { soap: Some(named), ..unnamed }, "files.7zip").is_ok());
    }

    #[test]
    fn each_protocol_has_its_own_and_needs_it() {
        let amqp = || Some(Amqp::new("broker".parse().unwrap(), "orders".to_owned()));
        let rest = Written { soap: Some(Soap::default()), amqp: amqp(), ..written(Protocol::Rest, "/x") };
        assert_eq!(members(fitted(rest, "s")), ["soap", "amqp"]);
        for protocol in [Protocol::Rest, Protocol::Soap] {
            assert_eq!(members(fitted(Written::new(protocol), "s")), ["path"]);
        }
        assert_eq!(members(fitted(Written::new(Protocol::Amqp), "s")), ["amqp"]);
        let plain = Written { amqp: amqp(), ..Written::new(Protocol::Amqp) };
        assert!(matches!(fitted(plain.clone(), "s"), Ok(Address::Amqp(_))));
        let odd = Written {
            methods: vec!["GET".to_owned()],
            security: Some("clerk".parse().unwrap()),
            cors: Some(Cors::default()),
            amqp: Some(Amqp { ordered: true, prefetch: 1, ..amqp().unwrap() }),
            ..written(Protocol::Amqp, "/x")
        };
        let expected = ["path", "methods", "security", "cors", "amqp/concurrency"];
        assert_eq!(members(fitted(odd, "s")), expected);
    }
}

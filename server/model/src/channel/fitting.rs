//! What a channel of each protocol can have: one set of rules, whoever defines it.

use super::{Draft, Protocol};
use crate::soap::{self, Soap};

/// The one method that callers of a SOAP channel need; its description is read with GET.
const CALLS: &str = "POST";

/// A member of a draft that does not go with its protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {message}")]
pub struct Misfit {
    /// JSON Pointer (RFC 6901) without its first '/': `path`, `soap/operation`.
    pub member: &'static str,
    pub message: String,
}

impl Draft {
    /// The draft as it is stored, or all that does not go together in it.
    pub fn fitted(mut self) -> Result<Self, Vec<Misfit>> {
        let misfits = match self.protocol {
            Protocol::Rest => self.rest_misfits(),
            Protocol::Soap => self.soap_misfits(),
        };
        if !misfits.is_empty() {
            return Err(misfits);
        }
        if self.protocol == Protocol::Soap {
            self.methods.clear();
            self.soap = self.soap.filter(|soap| *soap != Soap::default());
        }
        Ok(self)
    }

    fn rest_misfits(&self) -> Vec<Misfit> {
        let soap = self.soap.is_some();
        let message = "is for channels of protocol soap only".to_owned();
        soap.then_some(Misfit { member: "soap", message }).into_iter().collect()
    }

    fn soap_misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let mut refuse = |member, message: String| misfits.push(Misfit { member, message });
        if let Some(parameter) = self.path.parameters().next() {
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
        let soap = self.soap.as_ref();
        if let Some(namespace) = soap.and_then(|soap| soap.namespace.as_deref())
            && let Err(error) = soap::check_namespace(namespace)
        {
            refuse("soap/namespace", error);
        }
        let given = soap.is_some_and(|soap| soap.operation.is_some());
        if let Err(error) = soap::check_operation(soap::operation(soap, &self.service)) {
            let hint = if given { "" } else { "; the service's name gives none, so it must be set here" };
            refuse("soap/operation", format!("{error}{hint}"));
        }
        misfits
    }
}

#[cfg(test)]
mod tests {
    use super::Misfit;
    use crate::{
        channel::{Draft, Protocol},
        cors::Cors,
        path::PathPattern,
        soap::Soap,
    };

    fn soap(path: &str, service: &str) -> Draft {
        let path = PathPattern::parse(path).unwrap();
        let rest = Draft::new("c".parse().unwrap(), path, service.parse().unwrap());
        Draft { protocol: Protocol::Soap, ..rest }
    }

    fn members(refused: Result<Draft, Vec<Misfit>>) -> Vec<&'static str> {
        refused.unwrap_err().into_iter().map(|misfit| misfit.member).collect()
    }

    #[test]
    fn a_soap_channel_is_stored_in_one_form() {
        let plain = soap("/soap/orders", "orders.submit");
        assert_eq!(plain.clone().fitted().unwrap(), plain);
        let post = Draft { methods: vec!["POST".to_owned()], soap: Some(Soap::default()), ..plain.clone() };
        assert_eq!(post.fitted().unwrap(), plain);
    }

    #[test]
    fn all_that_does_not_fit_is_told() {
        let odd = Draft {
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            cors: Some(Cors::default()),
            soap: Some(Soap { namespace: Some("orders".to_owned()), operation: Some("a b".to_owned()) }),
            ..soap("/soap/{which}", "orders.submit")
        };
        assert_eq!(members(odd.fitted()), ["path", "methods", "cors", "soap/namespace", "soap/operation"]);
        let tail = soap("/soap/{rest...}", "orders.submit").fitted();
        assert_eq!(members(tail), ["path"]);
    }

    #[test]
    fn a_service_whose_name_gives_no_operation_needs_one_set() {
        let unnamed = soap("/soap/zip", "files.7zip");
        let [misfit] = &unnamed.clone().fitted().unwrap_err()[..] else { panic!() };
        assert!(misfit.to_string().starts_with("soap/operation \"7zip\" is not"), "{misfit}");
        assert!(misfit.message.ends_with("must be set here"), "{misfit}");
        let named = Soap { operation: Some("zip".to_owned()), ..Soap::default() };
        assert!(Draft { soap: Some(named), ..unnamed }.fitted().is_ok());
    }

    #[test]
    fn soap_is_for_soap_channels() {
        let rest = Draft { protocol: Protocol::Rest, soap: Some(Soap::default()), ..soap("/x", "s") };
        assert_eq!(members(rest.fitted()), ["soap"]);
    }
}

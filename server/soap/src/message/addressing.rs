//! WS-Addressing: what a message is about and where its reply goes (1.0 Core, section 3, and the submission of 2004).

use super::{headers::token, started};
use crate::{
    envelope::ReplyHeaders,
    namespace,
    refusal::{AddressingFault, AddressingProblem, Refusal},
    xml::Reader,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressing {
    /// [`namespace::ADDRESSING`] or [`namespace::ADDRESSING_2004`]: the reply has the same.
    pub namespace: &'static str,
    pub action: Option<String>,
    pub message_id: Option<String>,
    pub to: Option<String>,
    pub from: Option<Endpoint>,
    pub reply_to: Option<Endpoint>,
    pub fault_to: Option<Endpoint>,
    pub relates_to: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The connection of the request.
    Anonymous,
    /// No reply at all.
    None,
    Other(String),
}

impl Addressing {
    /// The namespace of the header block that was just started, if it is one of ours. A message speaks one version of
    /// WS-Addressing: that of its first such block.
    pub(super) fn spoken(known: Option<&Self>, reader: &Reader<'_>) -> Option<&'static str> {
        let namespace = match reader.namespace() {
            namespace::ADDRESSING => namespace::ADDRESSING,
            namespace::ADDRESSING_2004 => namespace::ADDRESSING_2004,
            _ => return None,
        };
        let names = ["Action", "MessageID", "To", "From", "ReplyTo", "FaultTo", "RelatesTo"];
        let is_known = names.contains(&reader.local());
        (is_known && known.is_none_or(|known| known.namespace == namespace)).then_some(namespace)
    }

    fn new(namespace: &'static str) -> Self {
        Self {
            namespace,
            action: None,
            message_id: None,
            to: None,
            from: None,
            reply_to: None,
            fault_to: None,
            relates_to: Vec::new(),
        }
    }

    /// Reads the header that was just started.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        namespace: &'static str,
        into: &mut Option<Self>,
    ) -> Result<(), Refusal> {
        let into = into.get_or_insert_with(|| Self::new(namespace));
        match reader.local() {
            "Action" => into.once("Action", |of| &mut of.action, token(reader)?),
            "MessageID" => into.once("MessageID", |of| &mut of.message_id, token(reader)?),
            "To" => into.once("To", |of| &mut of.to, token(reader)?),
            "From" => {
                let endpoint = into.endpoint(reader, "From")?;
                into.once("From", |of| &mut of.from, endpoint)
            }
            "ReplyTo" => {
                let endpoint = into.endpoint(reader, "ReplyTo")?;
                into.once("ReplyTo", |of| &mut of.reply_to, endpoint)
            }
            "FaultTo" => {
                let endpoint = into.endpoint(reader, "FaultTo")?;
                into.once("FaultTo", |of| &mut of.fault_to, endpoint)
            }
            _ => {
                into.relates_to.push(token(reader)?);
                Ok(())
            }
        }
    }

    fn fault(&self, problem: AddressingProblem, header: &'static str, message: String) -> Refusal {
        Refusal::addressing(AddressingFault { namespace: self.namespace, problem, header }, message)
    }

    fn once<T>(
        &mut self,
        header: &'static str,
        place: impl Fn(&mut Self) -> &mut Option<T>,
        value: T,
    ) -> Result<(), Refusal> {
        match place(self).replace(value) {
            None => Ok(()),
            Some(_) => {
                let message = format!("the header wsa:{header} is given twice");
                Err(self.fault(AddressingProblem::Cardinality, header, message))
            }
        }
    }

    /// An endpoint reference: its address is all that is of use.
    fn endpoint(&self, reader: &mut Reader<'_>, header: &'static str) -> Result<Endpoint, Refusal> {
        let mut address = None;
        while started(reader)? {
            if reader.local() != "Address" || reader.namespace() != self.namespace {
                reader.skip()?;
            } else if address.replace(token(reader)?).is_some() {
                let message = format!("the header wsa:{header} has two addresses");
                return Err(self.fault(AddressingProblem::Cardinality, header, message));
            }
        }
        match address {
            None => {
                let message = format!("the header wsa:{header} has no address");
                Err(self.fault(AddressingProblem::MissingAddress, header, message))
            }
            Some(address) if is_anonymous(&address) => Ok(Endpoint::Anonymous),
            Some(address) if address == NONE => Ok(Endpoint::None),
            Some(address) => Ok(Endpoint::Other(address)),
        }
    }

    /// Refuses a message without an action, and one that wants its reply or its faults elsewhere than on its
    /// connection. A message's id is not asked for: without it the reply tells no relation.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.action.as_ref().is_none_or(String::is_empty) {
            let message = "the message has addressing headers and no wsa:Action".to_owned();
            return Err(self.fault(AddressingProblem::Required, "Action", message));
        }
        for (header, endpoint) in [("ReplyTo", &self.reply_to), ("FaultTo", &self.fault_to)] {
            if matches!(endpoint, Some(Endpoint::Other(_))) {
                let message = format!(
                    "the address in wsa:{header} is not the anonymous one: replies go by the connection"
                );
                return Err(self.fault(AddressingProblem::OnlyAnonymous, header, message));
            }
        }
        Ok(())
    }

    /// The message's action is another one than what HTTP says it is.
    pub fn action_mismatch(&self) -> Refusal {
        let message = "the message's wsa:Action is another one than its SOAPAction".to_owned();
        self.fault(AddressingProblem::ActionMismatch, "Action", message)
    }

    /// Whether nobody is to be told of a fault: it goes where replies go unless it has an address of its own.
    pub fn faults_unwanted(&self) -> bool {
        self.fault_to.as_ref().or(self.reply_to.as_ref()) == Some(&Endpoint::None)
    }

    /// The headers of the reply. `message_id` is a URI of its own.
    pub fn reply(&self, action: String, message_id: Option<String>) -> ReplyHeaders {
        ReplyHeaders {
            namespace: self.namespace,
            action,
            message_id,
            relates_to: self.message_id.clone().filter(|id| !id.is_empty()),
        }
    }
}

const NONE: &str = "http://www.w3.org/2005/08/addressing/none";

/// What stands for the connection of the request, in a namespace of WS-Addressing.
pub(crate) fn anonymous(namespace: &str) -> &'static str {
    match namespace {
        namespace::ADDRESSING_2004 => "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
        _ => "http://www.w3.org/2005/08/addressing/anonymous",
    }
}

fn is_anonymous(address: &str) -> bool {
    [namespace::ADDRESSING, namespace::ADDRESSING_2004].iter().any(|of| anonymous(of) == address)
}

//! What `#[service]` makes of a function.

use crate::bindings::exports::busbar::bus::service::{ChannelProposal, ServiceDescription};
use crate::{Fault, Output, Request, Response};

/// A service: implemented by `#[service]` for an empty type of the function's name, which is what `plugin!`
/// lists.
pub trait Service {
    const DECLARATION: Declaration;

    /// JSON Schemas of the input and the output; none where the payload is raw.
    fn schemas() -> (Option<String>, Option<String>);

    /// # Errors
    /// The service's own fault, or `invalid-input` if the payload is not what the schema says.
    fn handle(request: Request) -> Result<Response, Fault>;
}

/// What a service function returns.
pub trait Outcome {
    fn schema() -> Option<String>;

    /// # Errors
    /// The service's fault, or that of an output without JSON form.
    fn into_response(self) -> Result<Response, Fault>;
}

impl<T: Output, E: Into<Fault>> Outcome for Result<T, E> {
    fn schema() -> Option<String> {
        T::schema()
    }

    fn into_response(self) -> Result<Response, Fault> {
        self.map_err(Into::into)?.into_response()
    }
}

/// What stands in the attribute and the doc comment.
#[derive(Debug)]
pub struct Declaration {
    /// Unique in the cluster: `greeter.greet`.
    pub name: &'static str,
    pub summary: Option<&'static str>,
    pub channels: &'static [Channel],
    /// Services that this one invokes.
    pub invokes: &'static [&'static str],
    /// Secrets that this one reads.
    pub secrets: &'static [&'static str],
    /// How many calls one instance may serve; none is a fresh instance per call.
    pub calls_per_instance: Option<u32>,
}

/// A proposed channel.
#[derive(Debug)]
pub struct Channel {
    /// `rest` or `soap`.
    pub protocol: &'static str,
    /// `/greet/{name}`; without parameters for SOAP.
    pub path: &'static str,
    /// Upper case; empty for any, and for SOAP.
    pub methods: &'static [&'static str],
}

impl Declaration {
    pub(crate) fn describe(&self, (input, output): (Option<String>, Option<String>)) -> ServiceDescription {
        ServiceDescription {
            name: self.name.to_owned(),
            summary: self.summary.map(str::to_owned),
            input_schema: input,
            output_schema: output,
            channels: self.channels.iter().map(Channel::propose).collect(),
            calls_per_instance: self.calls_per_instance,
        }
    }
}

impl Channel {
    fn propose(&self) -> ChannelProposal {
        ChannelProposal {
            protocol: self.protocol.to_owned(),
            path: self.path.to_owned(),
            methods: self.methods.iter().map(|&method| method.to_owned()).collect(),
        }
    }
}

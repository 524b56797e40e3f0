//! SOAP outwards: an endpoint, and what its WSDL says of it.

use std::{fmt::Write as _, sync::Arc};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE, uri::PathAndQuery};
use busbar_egress::{Connection, Request, RequestBody, Trace};
use busbar_engine::{
    request::Response,
    ways::{
        Passage,
        http::Outgoing,
        soap::{Failure, Operation, PartnerFault},
    },
};
use busbar_model::{
    Fault, Timestamp,
    connection::{Soap as Definition, soap::PasswordType},
    fault::FaultKind,
};
use busbar_soap::client::{
    Client, Document, Operation as Described, Options, Outgoing as Message, Reply, Unreadable, Unsendable,
    UsernameToken,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::OnceCell;

use super::http;
use crate::{clock, outgoing};

/// Of a nonce and of a boundary.
const RANDOM_BYTES: usize = 16;
/// For how long a message holds.
const HOLDS_MS: i64 = 300_000;
/// When a partner that has no time is asked again.
const AWAY_S: u32 = 1;

pub(super) struct Soap {
    pub(super) client: Connection,
    /// Of the endpoint: exactly there messages go.
    path: PathAndQuery,
    definition: Definition<String>,
    /// Read when it is first needed, apart from calls, which would wait.
    described: OnceCell<Result<Arc<Client>, String>>,
}

impl Soap {
    pub(super) fn new(
        definition: Definition<String>,
        outside: busbar_egress::Outside,
    ) -> Result<Self, String> {
        let (client, path) = outgoing::endpoint(definition.http.clone(), outside)?;
        Ok(Self { client, path, definition, described: OnceCell::new() })
    }

    async fn described(&self) -> Result<&Arc<Client>, Fault> {
        let read = || async {
            let Definition { wsdl, service, port, .. } = &self.definition;
            let (service, port) = (service.clone(), port.clone());
            let document = |one: &busbar_model::connection::soap::Document| Document {
                location: one.location.clone(),
                text: one.text.clone(),
            };
            let documents: Vec<Document> = wsdl.documents.iter().map(document).collect();
            let reading = move || Client::read(&documents, service.as_deref(), port.as_deref());
            match tokio::task::spawn_blocking(reading).await {
                Ok(Ok(client)) => Ok(Arc::new(client)),
                Ok(Err(refused)) => Err(refused.to_string()),
                Err(error) => Err(error.to_string()),
            }
        };
        let described = self.described.get_or_init(read).await;
        described.as_ref().map_err(|problem| busbar_engine::ways::unusable(format!("its WSDL: {problem}")))
    }

    pub(super) async fn operations(&self) -> Result<Vec<Operation>, Fault> {
        let client = self.described().await?;
        let usable = client.operations().iter().filter(|operation| operation.problem.is_none());
        let shown = |operation: &Described| Operation {
            name: operation.name.clone(),
            input_schema: Some(client.input_schema(operation).to_string()),
            output_schema: client.output_schema(operation).map(|schema| schema.to_string()),
        };
        Ok(usable.map(shown).collect())
    }

    pub(super) async fn call(
        &self,
        passage: &Passage,
        operation: &str,
        input: &[u8],
    ) -> Result<Bytes, Failure> {
        let client = self.described().await?;
        let message = self.message(client, operation, input)?;
        let mut headers = HeaderMap::new();
        for (name, value) in message.headers {
            headers.insert(HeaderName::from_static(name), value_of(value)?);
        }
        headers.insert(CONTENT_TYPE, value_of(message.content_type)?);
        let reply = self.send(passage, headers, message.body.into()).await?;
        let (head, body) = reply.into_parts();
        let body = body.collect().await.map_err(|error| http::fault(&error))?.to_bytes();
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match client.reply(operation, head.status.as_u16(), content_type, &body) {
            Ok(Reply::Output(output)) => Ok(output.into()),
            Ok(Reply::OneWay) => Ok(Bytes::from_static(b"null")),
            Ok(Reply::Fault(fault)) => Err(Failure::Partner(Box::new(told(*fault)))),
            Err(unreadable) => Err(bad(&unreadable).into()),
        }
    }

    fn message(&self, client: &Client, operation: &str, input: &[u8]) -> Result<Message, Fault> {
        let random = random()?;
        let now = clock::now();
        let (created, expires) = (seconds(now), seconds(now.plus_ms(HOLDS_MS)));
        let token = self.definition.username_token.as_ref().zip(self.definition.token_password.as_ref());
        let username_token = token.map(|(token, password)| UsernameToken {
            username: &token.username,
            password,
            digest: token.password_type == PasswordType::Digest,
            nonce: &random,
            created: &created,
            expires: Some(&expires),
        });
        let boundary = random.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let mtom = self.definition.mtom.then_some(boundary.as_str());
        let options = Options { username_token, mtom, ..Options::default() };
        client.request(operation, input, &options).map_err(unsendable)
    }

    /// An envelope as it is, and the reply as it came.
    pub(super) async fn exchange(
        &self,
        passage: &Passage,
        action: &str,
        envelope: Outgoing,
        broke: http::Broke,
    ) -> Result<Response, Fault> {
        let Outgoing { mut headers, body, .. } = envelope;
        let is_12 = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/soap+xml"));
        if is_12 {
            let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !action.is_empty() && !given.contains("action=") {
                let with = value_of(format!("{given}; action={}", busbar_soap::media::quoted(action)))?;
                headers.insert(CONTENT_TYPE, with);
            }
        } else {
            let action = value_of(busbar_soap::media::quoted(action))?;
            headers.insert(HeaderName::from_static("soapaction"), action);
        }
        let body = body.collect(busbar_model::bounds::DELIVERY_BYTES_MAX).await;
        let body = body.map_err(|error| Fault::new(FaultKind::InvalidInput, error.to_string()))?;
        http::response(self.send(passage, headers, body).await?, broke).await
    }

    async fn send(
        &self,
        passage: &Passage,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<busbar_egress::Reply, Fault> {
        let trace = passage.trace().and_then(|trace| Trace::new(&trace.to_string(), None));
        let request = Request {
            headers,
            body: RequestBody::Bytes(body),
            trace,
            deadline: Some(passage.deadline),
            ..Request::new(Method::POST, self.path.clone())
        };
        self.client.call(request).await.map_err(|error| http::fault(&error))
    }
}

fn value_of(text: String) -> Result<HeaderValue, Fault> {
    HeaderValue::try_from(text)
        .map_err(|_| Fault::new(FaultKind::InvalidInput, "the action can't be sent in a header"))
}

/// Without chance nothing is sent: a nonce that is known is none.
fn random() -> Result<[u8; RANDOM_BYTES], Fault> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| busbar_engine::ways::unusable(error.to_string()))?;
    Ok(bytes)
}

/// Some partners take no fractions that are longer than milliseconds.
fn seconds(time: Timestamp) -> String {
    time.to_utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn unsendable(unsendable: Unsendable) -> Fault {
    let text = unsendable.to_string();
    match unsendable {
        Unsendable::UnknownOperation(_) => {
            Fault::new(FaultKind::NotFound, text).with_code("operation-unknown")
        }
        Unsendable::Unsupported { problem, .. } => {
            Fault::new(FaultKind::InvalidInput, format!("{text}: {problem}")).with_code("operation-unusable")
        }
        Unsendable::Invalid(errors) => Fault { errors, ..Fault::new(FaultKind::InvalidInput, text) },
        Unsendable::Header(_) => Fault::new(FaultKind::InvalidInput, text),
    }
}

/// What is no SOAP mostly comes of what stands before the partner, which tells that it is away.
fn bad(unreadable: &Unreadable) -> Fault {
    let mut text = unreadable.to_string();
    if let Unreadable::Invalid(errors) = unreadable {
        for error in errors.iter().take(5) {
            let _ = write!(text, "; {}: {}", error.path, error.message);
        }
    }
    match unreadable {
        Unreadable::NoSoap { status: 429 | 502 | 503 | 504, .. } => {
            Fault::new(FaultKind::RetryLater, text).with_retry_after_s(AWAY_S).with_code("bad-reply")
        }
        _ => Fault::new(FaultKind::Failed, text).with_code("bad-reply"),
    }
}

fn told(fault: busbar_soap::client::PartnerFault) -> PartnerFault {
    PartnerFault {
        code: fault.code.local,
        subcodes: fault.subcodes.into_iter().map(|code| code.local).collect(),
        message: fault.message,
        role: fault.role,
        detail: fault.detail,
        described: fault.declared,
    }
}

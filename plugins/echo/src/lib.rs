//! Answers with what it was asked: for trying out channels, and for measuring the bus.

mod json;

use busbar_sdk::context::{self, RequestHead};
use busbar_sdk::{Fault, Request, Response, plugin, service};

/// Answers with the request as JSON: method, path, params, query, headers and body.
///
/// The body is a JSON value if its content type says JSON and it is; else text if it is UTF-8; else null.
#[service(name = "echo", rest = "/echo")]
fn echo(request: Request) -> Result<Response, Fault> {
    let content_type = request.content_type;
    let body = request.payload.into_bytes()?;
    Ok(Response::bytes("application/json", describe(&context::head(), content_type.as_deref(), &body)))
}

/// Answers with the request's body: its bytes do not pass through the service if they come as a stream.
#[service(name = "echo.body", rest = "/echo/body")]
fn echo_body(request: Request) -> Result<Response, Fault> {
    Ok(Response::new(request.content_type, request.payload))
}

fn describe(head: &RequestHead, content_type: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024 + body.len());
    out.extend_from_slice(b"{\"method\":");
    json::text(&mut out, &head.method);
    out.extend_from_slice(b",\"path\":");
    json::text(&mut out, &head.path);
    out.extend_from_slice(b",\"params\":");
    json::object(&mut out, &head.params);
    out.extend_from_slice(b",\"query\":");
    json::object_of_lists(&mut out, &head.query);
    out.extend_from_slice(b",\"headers\":");
    json::object_of_lists(&mut out, &head.headers);
    out.extend_from_slice(b",\"body\":");
    json::body(&mut out, content_type, body);
    out.push(b'}');
    out
}

plugin!(echo, echo_body);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_documented_shape() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let head = RequestHead {
            method: "POST".to_owned(),
            path: "/echo/a%2Fb".to_owned(),
            query: vec![pair("k", "1"), pair("other", "ü \"x\""), pair("k", "2")],
            headers: vec![pair("accept", "*/*"), pair("x-a", "1"), pair("x-a", "2")],
            params: vec![pair("id", "a/b")],
        };
        let answer = describe(&head, Some("application/json; charset=utf-8"), b" {\"n\": 1.50} ");
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            concat!(
                r#"{"method":"POST","path":"/echo/a%2Fb","params":{"id":"a/b"},"#,
                r#""query":{"k":["1","2"],"other":["ü \"x\""]},"#,
                r#""headers":{"accept":["*/*"],"x-a":["1","2"]},"body":{"n": 1.50}}"#
            )
        );
    }
}

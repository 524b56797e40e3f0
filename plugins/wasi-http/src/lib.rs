//! What Spin, wasmCloud and `wasmtime serve` run: a plain `wasi:http` component that knows nothing of Busbar.
//!
//! It answers 200 with a line of the request's method and path, then the request's body as it arrives.

// The names that it exports are none that another target's linker takes.
#![cfg(target_family = "wasm")]

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// What one step copies at most, in bytes.
const COPY_BYTES: u64 = 64 * 1024;

/// What `blocking-write-and-flush` takes at most, in bytes; more would be a trap.
const WRITE_BYTES: usize = 4096;

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let line =
            format!("{} {}\n", method(&request.method()), request.path_with_query().unwrap_or_default());
        let headers = Fields::new();
        // Neither can fail: the name and the value are well-formed, and the body is taken for the first time.
        let _ = headers.set("content-type", &[b"text/plain; charset=utf-8".to_vec()]);
        let response = OutgoingResponse::new(headers);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        // An unfinished body is how the client learns that the copy broke off.
        if copy(&line, &request, &body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn copy(line: &str, request: &IncomingRequest, body: &OutgoingBody) -> Result<(), StreamError> {
    let closed = |()| StreamError::Closed;
    let output = body.write().map_err(closed)?;
    for piece in line.as_bytes().chunks(WRITE_BYTES) {
        output.blocking_write_and_flush(piece)?;
    }
    let incoming = request.consume().map_err(closed)?;
    let input = incoming.stream().map_err(closed)?;
    splice(&output, &input)?;
    output.blocking_flush()
}

/// Until the end of the input, which `wasi:io` tells as an error.
fn splice(output: &OutputStream, input: &InputStream) -> Result<(), StreamError> {
    loop {
        match output.blocking_splice(input, COPY_BYTES) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}

wasip2::http::proxy::export!(Handler);

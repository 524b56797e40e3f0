//! Goes wherever it is told to, as any component would: `…/fetch?http|AUTHORITY|PATH`, with `!` for the slashes of a path.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};

/// What came of it: the status and the body, or the error.
pub(crate) fn answer(path: &str, out: ResponseOutparam) {
    let wanted = path.rsplit_once("fetch?").map(|(_, wanted)| wanted).unwrap_or_default();
    let said = fetched(wanted).unwrap_or_else(|error| format!("error {error}"));
    let response = OutgoingResponse::new(Fields::new());
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    let Ok(stream) = body.write() else { return };
    for piece in said.as_bytes().chunks(4096) {
        let _ = stream.blocking_write_and_flush(piece);
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn fetched(wanted: &str) -> Result<String, String> {
    let mut parts = wanted.split('|');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, authority, path) = (next(), next(), next().replace('!', "/"));
    let request = OutgoingRequest::new(Fields::new());
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let set = request
        .set_method(&Method::Get)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(&path)));
    set.map_err(|()| "that can't be asked for".to_owned())?;
    let answer = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    answer.subscribe().block();
    let answer = answer.get().ok_or("there is no answer")?.map_err(|()| "it was taken")?;
    let answer = answer.map_err(|code| format!("{code:?}"))?;
    let status = answer.status();
    let body = answer.consume().map_err(|()| "it has no body")?;
    let stream = body.stream().map_err(|()| "it has no stream")?;
    let mut bytes = Vec::new();
    while let Ok(piece) = stream.blocking_read(64 * 1024) {
        bytes.extend_from_slice(&piece);
    }
    Ok(format!("{status} {}", String::from_utf8_lossy(&bytes)))
}

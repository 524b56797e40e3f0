//! A plain `wasi:http` component that misbehaves: how is the last segment of the path. For tests only.

// The names that it exports are none that another target's linker takes.
#![cfg(target_family = "wasm")]

mod fetch;

use std::hint::{black_box, spin_loop};

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

struct Hostile;

impl Guest for Hostile {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "spin" => spin(),
            "allocate" => allocate(),
            "trap" => std::process::abort(),
            // Returns without an answer.
            "silent" => drop(out),
            asked if asked.starts_with("fetch?") => fetch::answer(&path, out),
            // The rest begins to answer first.
            after => begun(after, out),
        }
    }
}

fn begun(after: &str, out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    let Ok(stream) = body.write() else { return };
    let _ = stream.blocking_write_and_flush(b"it begins well");
    match after {
        "then-trap" => std::process::abort(),
        "then-spin" => spin(),
        "flood" => flood(&stream),
        _ => {}
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Writes for as long as it is let.
fn flood(stream: &OutputStream) {
    while stream.blocking_write_and_flush(&[b'f'; 4096]).is_ok() {}
}

fn spin() {
    loop {
        spin_loop();
    }
}

fn allocate() {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1024 * 1024]));
    }
}

wasip2::http::proxy::export!(Hostile);

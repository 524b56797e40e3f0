//! A plugin that misbehaves when it is asked what it is. How is ten letters in the file, which a test patches.
//! For tests only.

// The names that it exports are none that another target's linker takes.
#![cfg(target_family = "wasm")]

mod marker;
mod misbehave;
mod schemas;

use busbar_sdk::expansion::service::{Description, Guest, ServiceDescription};
use busbar_sdk::expansion::types::Fault as GuestFault;
use busbar_sdk::{Request, Response};

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Description {
        let mode = marker::mode();
        misbehave::perform(&mode);
        described(&mode)
    }

    fn handle(_: String, _: Request) -> Result<Response, GuestFault> {
        Ok(Response::bytes("text/plain", marker::mode().into_bytes()))
    }
}

fn described(mode: &str) -> Description {
    let one = || vec![service("hostile.run".to_owned(), None)];
    let (name, services) = match mode {
        "many" => ("hostile", (0..10_000).map(|n| service(format!("hostile.s{n}"), None)).collect()),
        "twice" => ("hostile", [one(), one()].concat()),
        "none" => ("hostile", Vec::new()),
        "thief" => ("hostile", vec![service("echo".to_owned(), None)]),
        "name" => ("Hostile Plugin!", one()),
        mode => ("hostile", schemas::services(mode).unwrap_or_else(one)),
    };
    let long = |wanted: &str, bytes: usize| if mode == wanted { "x".repeat(bytes) } else { String::new() };
    Description {
        name: name.to_owned(),
        version: format!("1.0.0{}", long("version", 8 * 1024 * 1024)),
        services,
        invokes: if mode == "invokes" { vec!["some.other-service".to_owned(); 400_000] } else { Vec::new() },
        secrets: Vec::new(),
    }
}

fn service(name: String, input_schema: Option<String>) -> ServiceDescription {
    ServiceDescription {
        name,
        summary: None,
        input_schema,
        output_schema: None,
        channels: Vec::new(),
        calls_per_instance: None,
    }
}

busbar_sdk::bindings::export_plugin!(Hostile);

//! SOAP beside REST: the same call of the same service, and how fast a large envelope becomes JSON.

use std::{fmt::Write as _, fs, hint::black_box};

use busbar_soap::{
    compile, message,
    read::{self, NoParts},
};
use busbar_tests::{Quickstart, envelope};
use serde_json::{Value, json};

use crate::{
    cpu,
    rounds::megabytes,
    statistics::median,
    subject::{Rounds, Subject, alternate, post},
};

/// What a SOAP call may cost of the same call over REST.
const CALL_TARGET: f64 = 1.6;
/// MB/s of envelope that is parsed, and bytes of memory for each of its bytes.
const PARSE_TARGET: f64 = 80.0;
const MEMORY_TARGET: f64 = 6.0;
const LARGE_BYTES: usize = 10_000_000;

pub(crate) async fn report(quick: bool) {
    calls(quick).await;
    parsing(if quick { 2 } else { 7 });
}

/// Typed in both directions, some 2 KB.
fn payload() -> (String, String) {
    let mut parts = Vec::new();
    let mut elements = String::new();
    for at in 0..34 {
        let (sku, note) = (format!("sku-{at:04}"), "a remark");
        parts.push(json!({"sku": sku, "quantity": at + 1, "note": note}));
        let _ = write!(
            elements,
            "<parts sku=\"{sku}\"><quantity>{}</quantity><note>{note}</note></parts>",
            at + 1
        );
    }
    let json = json!({
        "id": "4711", "text": "two thousand bytes", "nullable": null, "flag": true, "small": -1, "count": 7,
        "large": 9_007_199_254_740_993_i64, "ratio": 0.5, "amount": "12345678901234567890.50", "day": "2026-02-28",
        "moment": "2026-02-28T23:59:59Z", "data": "AAEC/w==", "colour": "red", "codes": [1, 2, 3], "matrix": [[1, 2]],
        "parts": parts, "payment": {"voucher": {"code": "x"}}, "figures": [{"kind": "circle", "radius": 1.5}],
    });
    let xml = format!(
        "<mirror xmlns=\"urn:busbar:shapes:v0\" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" id=\"4711\">\
         <text>two thousand bytes</text><nullable i:nil=\"true\"/><flag>true</flag><small>-1</small><count>7</count>\
         <large>9007199254740993</large><ratio>0.5</ratio><amount>12345678901234567890.50</amount>\
         <day>2026-02-28</day><moment>2026-02-28T23:59:59Z</moment><data>AAEC/w==</data><colour>red</colour>\
         <codes>1</codes><codes>2</codes><codes>3</codes><matrix><item>1</item><item>2</item></matrix>\
         <parts>{elements}</parts><payment><voucher><code>x</code></voucher></payment>\
         <figures><circle><radius>1.5</radius></circle></figures></mirror>"
    );
    (json.to_string(), envelope::envelope(envelope::SOAP_11, "", &xml))
}

async fn calls(quick: bool) {
    let bus = Quickstart::start(&["shapes"]).await;
    bus.create_channel("bench-soap", "/soap/bench", "shapes.mirror", json!({"protocol": "soap"})).await;
    bus.settle().await;
    let (json, xml) = payload();
    let request = |path: &str, content_type: &str, body: &str| {
        let content_type = format!("Content-Type: {content_type}\r\n");
        post(bus.http().authority(), path, &content_type, body.as_bytes())
    };
    let mut subjects = [
        Subject::of("REST", &bus, request("/shapes/mirror", "application/json", &json)),
        Subject::of("SOAP 1.1", &bus, request("/soap/bench", "text/xml; charset=utf-8", &xml)),
    ];
    alternate(&mut subjects, Rounds::new(quick), async |_| {}).await;
    subjects.iter().for_each(|subject| assert!(subject.errors() < 1.0, "{} has errors", subject.name));
    let [rest, soap] = subjects.map(|subject| subject.cpu_us());
    println!("SOAP: a typed service with {} bytes of JSON, {} of XML, each way.\n", json.len(), xml.len());
    println!("| subject | CPU µs/request | × REST | target |");
    println!("| --- | --: | --: | --: |");
    println!("| REST | {rest:.2} | 1.00 | – |");
    println!("| SOAP 1.1 | {soap:.2} | {:.2} | {CALL_TARGET} |\n", soap / rest);
}

fn schema() -> Value {
    let line = json!({
        "type": "object", "required": ["sku", "quantity"],
        "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer"}, "note": {"type": ["string", "null"]}},
    });
    json!({
        "type": "object", "required": ["customer", "lines"],
        "properties": {"customer": {"type": "string"}, "lines": {"type": "array", "items": line}},
    })
}

fn large() -> String {
    let mut body = String::from("<submit xmlns=\"urn:x\"><customer>Ada</customer>");
    let mut at = 0;
    while body.len() < LARGE_BYTES {
        let _ = write!(
            body,
            "<lines><sku>article-{at:06}</sku><quantity>{}</quantity><note>to be packed with care</note></lines>",
            at % 1000
        );
        at += 1;
    }
    envelope::envelope(envelope::SOAP_11, "", &(body + "</submit>"))
}

fn parsing(times: usize) {
    let shape = compile::shape(&schema()).expect("it has an image").expect("it is no null");
    let text = large();
    let parse = || -> String {
        let mut message = message::open(&text).expect("it is an envelope");
        let json = read::payload(&shape, "urn:x", &mut message.reader, &mut NoParts).expect("it is valid");
        message.finish().expect("it ends");
        json
    };
    let bytes = f64::from(u32::try_from(text.len()).expect("it is small enough"));
    // First, while the allocator has nothing to spare.
    let text_cost = grown(parse) / bytes;
    let json = parse();
    let tree_cost = grown(|| serde_json::from_str::<Value>(&json).expect("it is JSON")) / bytes;
    let mut speeds = Vec::new();
    for _ in 0..times {
        let before = cpu::own_ns();
        black_box(parse());
        let used = f64::from(u32::try_from((cpu::own_ns() - before) / 1_000).expect("it takes less"));
        speeds.push(bytes / used);
    }
    println!("An envelope of {:.1} MB becomes JSON:\n", megabytes(text.len() as u64));
    println!("| subject | figure | target |");
    println!("| --- | --: | --: |");
    println!("| parsed | {:.0} MB/s of CPU time | ≥ {PARSE_TARGET} |", median(&speeds));
    println!(
        "| memory for its JSON (there is no tree of XML) | {text_cost:.2} × its text | ≤ {MEMORY_TARGET} |"
    );
    println!(
        "| memory for the tree of JSON that its schema is checked by, over REST too | {tree_cost:.2} × its text | – |\n"
    );
}

/// By how many bytes this process grows at most while `work` is done.
fn grown<T>(work: impl FnOnce() -> T) -> f64 {
    // Forgets what was the most until now.
    fs::write("/proc/self/clear_refs", "5").expect("the kernel counts anew");
    let before = status_kib("VmRSS");
    black_box(work());
    (status_kib("VmHWM") - before).max(0.0) * 1024.0
}

fn status_kib(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a process has a status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("no {name}"))
}

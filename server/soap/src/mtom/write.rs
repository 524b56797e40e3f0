//! Writing a package.

use super::part::Part;
use crate::{media::quoted, version::Version};

const ROOT_ID: &str = "root@busbar";

/// The value of `Content-Type`, and the body. `boundary` is for the caller to choose: random, of at least 128 bits and of
/// letters and digits, so that it occurs in no part. `action` is of SOAP 1.2 only.
pub fn package(
    root: &str,
    version: Version,
    action: Option<&str>,
    boundary: &str,
    parts: Vec<Part>,
) -> (String, Vec<u8>) {
    let info = version.media_type();
    let action = action.filter(|_| version == Version::V12);
    let action = action.map(|action| format!("; action={}", quoted(action))).unwrap_or_default();
    let content_type = format!(
        "multipart/related; type=\"application/xop+xml\"; start=\"<{ROOT_ID}>\"; start-info=\"{info}\"; \
         boundary=\"{boundary}\"{action}"
    );
    let sizes: usize = parts.iter().map(|part| part.bytes.len() + part.content_id.len() + 256).sum();
    let mut body = Vec::with_capacity(root.len() + sizes + 512);
    let root_type = format!("application/xop+xml; charset=utf-8; type=\"{info}\"");
    write(&mut body, boundary, &root_type, ROOT_ID, root.as_bytes());
    for part in parts {
        write(&mut body, boundary, &part.content_type, &part.content_id, &part.bytes);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (content_type, body)
}

fn write(body: &mut Vec<u8>, boundary: &str, content_type: &str, id: &str, content: &[u8]) {
    // Neither may end its line.
    let clean = |text: &str| text.replace(char::is_control, "");
    let head = format!(
        "--{boundary}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{}>\r\n\r\n",
        clean(content_type),
        clean(id),
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n");
}

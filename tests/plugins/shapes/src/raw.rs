//! XML as it is.

use busbar_sdk::prelude::*;

/// Around what came.
const OPEN: &str = r#"<seen xmlns="urn:example:seen" type=""#;
const CLOSE: &str = "</seen>";

/// Answers with an element around the XML that it was given, which tells the content type.
#[service(rest = "POST /shapes/raw")]
pub(crate) fn raw(request: Request) -> Result<Response, Fault> {
    let content_type = request.content_type.clone().unwrap_or_default();
    let xml = request.into_bytes()?;
    let tag = format!("{OPEN}{}\">", content_type.replace(['"', '<', '&'], "_"));
    let body = [tag.as_bytes(), without_declaration(&xml), CLOSE.as_bytes()].concat();
    Ok(Response::bytes("application/xml", body))
}

/// `<?xml …?>` may stand at the start only.
fn without_declaration(xml: &[u8]) -> &[u8] {
    let Some(rest) = xml.strip_prefix(b"<?xml") else { return xml };
    rest.windows(2).position(|pair| pair == b"?>").map_or(xml, |end| &rest[end + 2..])
}

#[cfg(test)]
mod tests {
    use super::without_declaration;

    #[test]
    fn a_declaration_is_left_out() {
        assert_eq!(without_declaration(b"<?xml version='1.0'?><a/>"), b"<a/>");
        assert_eq!(without_declaration(b"<a/>"), b"<a/>");
        assert_eq!(without_declaration(b"<?xml"), b"<?xml");
    }
}

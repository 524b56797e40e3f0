//! A WSDL as a file, with the files that it refers to.

use std::{
    collections::{HashSet, VecDeque},
    fs,
    path::Path,
};

use busbar_model::bounds::CONNECTION_WSDL_DOCUMENTS_MAX;
use busbar_soap::{
    charset::decode,
    client::{Document, references, resolve},
};
use serde_json::{Value, json};

use crate::client::failure::Usage;

/// The member `wsdl`: a URL is left to the bus.
pub(super) fn given(text: &str) -> anyhow::Result<Value> {
    if text.contains("://") {
        return Ok(json!({"url": text}));
    }
    let path = Path::new(text);
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(text).to_owned();
    let (mut awaited, mut seen) = (VecDeque::from([name.clone()]), HashSet::from([name]));
    let mut documents = Vec::new();
    while let Some(location) = awaited.pop_front() {
        if documents.len() >= CONNECTION_WSDL_DOCUMENTS_MAX {
            return Err(Usage::error(format!(
                "{text} refers to more than {CONNECTION_WSDL_DOCUMENTS_MAX} documents"
            )));
        }
        let file = folder.join(&location);
        let unreadable = |reason: String| Usage::error(format!("{} can't be read: {reason}", file.display()));
        let bytes = fs::read(&file).map_err(|error| unreadable(error.to_string()))?;
        let read = decode(&bytes, None).map_err(|refusal| unreadable(refusal.to_string()))?.into_owned();
        let document = Document { location, text: read };
        for reference in references(&document).map_err(|refused| unreadable(refused.to_string()))? {
            let location = resolve(&document.location, &reference.location);
            let location = location.filter(|location| !location.contains("://")).ok_or_else(|| {
                unreadable(format!("it refers to {:?}, which is no file beside it", reference.location))
            })?;
            if seen.insert(location.clone()) {
                awaited.push_back(location);
            }
        }
        documents.push(json!({"location": document.location, "text": document.text}));
    }
    Ok(json!({"documents": documents}))
}

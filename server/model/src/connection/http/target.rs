//! Paths below the path of a base URL.

use http::uri::PathAndQuery;

/// Refuses what could lead out of the base path: a server may take `..` for the folder above, however it is written.
pub fn check(path: &PathAndQuery) -> Result<(), &'static str> {
    let text = path.path();
    if !text.starts_with('/') {
        return Err("its path does not begin with /");
    }
    if text.contains("/.") || text.contains(['%', '\\']) {
        let plain = text.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        if plain.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
            return Err("its path has a segment . or ..");
        }
    }
    Ok(())
}

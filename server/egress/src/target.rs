//! The path and query of a request, below the path of the base URL and nowhere else.

use bytes::Bytes;
use http::uri::PathAndQuery;

use crate::{ErrorKind, bounds::TARGET_BYTES_MAX};

/// Refuses what could lead out of the base path: a server may take `..` for the folder above, however it is written.
pub(crate) fn check(path: &PathAndQuery) -> Result<(), ErrorKind> {
    let refuse = |text: &str| Err(ErrorKind::Request { text: text.to_owned() });
    let text = path.path();
    if !text.starts_with('/') {
        return refuse("its path does not begin with /");
    }
    if text.contains("/.") || text.contains(['%', '\\']) {
        let plain = text.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        if plain.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
            return refuse("its path has a segment . or ..");
        }
    }
    Ok(())
}

pub(crate) fn below(base: &str, path: &PathAndQuery) -> Result<PathAndQuery, ErrorKind> {
    check(path)?;
    if base.len() + path.as_str().len() > TARGET_BYTES_MAX {
        let text = format!("path and query are longer than {TARGET_BYTES_MAX} bytes");
        return Err(ErrorKind::Request { text });
    }
    if base.is_empty() {
        return Ok(path.clone());
    }
    let joined = Bytes::from([base, path.as_str()].concat());
    PathAndQuery::from_maybe_shared(joined).map_err(|error| ErrorKind::Request { text: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path: &str) -> Result<String, String> {
        let path: PathAndQuery = path.parse().unwrap();
        below(base, &path).map(|path| path.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_is_put_below_the_base() {
        assert_eq!(joined("", "/a?b=..").unwrap(), "/a?b=..");
        assert_eq!(joined("/v1", "/a?b=c").unwrap(), "/v1/a?b=c");
        assert_eq!(joined("/v1", "/").unwrap(), "/v1/");
        assert_eq!(joined("/v1", "/.well-known/a..b/...").unwrap(), "/v1/.well-known/a..b/...");
    }

    #[test]
    fn nothing_leads_out_of_the_base() {
        for path in
            ["/..", "/../a", "/a/../../b", "/a/%2e%2E/b", "/.%2e/b", "/a%2f..%2fb", "/a%5C..%5Cb", "/./a"]
        {
            assert!(joined("/v1", path).unwrap_err().contains("segment"), "{path}");
        }
        assert!(joined("", "*").unwrap_err().contains("does not begin"));
        assert!(joined("", &format!("/{}", "a".repeat(16 * 1024))).unwrap_err().contains("longer"));
    }
}

//! The path and query of a request, below the path of the base URL and nowhere else.

use busbar_model::{bounds::HTTP_TARGET_BYTES_MAX, connection::http::target::check};
use bytes::Bytes;
use http::uri::PathAndQuery;

use crate::ErrorKind;

pub(crate) fn below(base: &str, path: &PathAndQuery) -> Result<PathAndQuery, ErrorKind> {
    check(path).map_err(|text| ErrorKind::Request { text: text.to_owned() })?;
    if base.len() + path.as_str().len() > HTTP_TARGET_BYTES_MAX {
        let text = format!("path and query are longer than {HTTP_TARGET_BYTES_MAX} bytes");
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

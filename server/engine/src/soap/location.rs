//! The address by which a caller reached the bus, for the WSDL that it asked for.

use http::{HeaderMap, Uri, header::HOST};

use crate::request::Head;

/// Scheme, host and path of the request, as a balancer tells them if one does. Whoever says so gets the answer,
/// and nobody else: it is not cached, and nothing is let in by it.
pub(super) fn location(head: &Head) -> String {
    let forwarded = |name| first(&head.headers, name);
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let told = [forwarded("x-forwarded-host"), first(&head.headers, HOST.as_str()), authority(&head.uri)];
    let host = told.into_iter().flatten().find(|host| is_host(host)).unwrap_or("localhost");
    format!("{scheme}://{host}{}", head.uri.path())
}

fn authority(uri: &Uri) -> Option<&str> {
    uri.authority().map(|authority| authority.as_str())
}

/// Balancers in a row append to the list.
fn first<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

/// Host and maybe port (RFC 3986, section 3.2.2), in characters that need no escaping anywhere.
fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::location;
    use crate::request::Head;

    fn at(headers: &[(&'static str, &'static str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        let head = Head { method: Method::GET, uri: "/soap/orders?wsdl".parse().unwrap(), headers };
        location(&head)
    }

    #[test]
    fn it_is_the_host_that_the_caller_used() {
        assert_eq!(at(&[("host", "bus.example:8080")]), "http://bus.example:8080/soap/orders");
        assert_eq!(at(&[("host", "[::1]:80")]), "http://[::1]:80/soap/orders");
        assert_eq!(at(&[]), "http://localhost/soap/orders");
        assert_eq!(at(&[("host", "x\"><y")]), "http://localhost/soap/orders");
    }

    #[test]
    fn a_balancer_tells_where_the_caller_came_in() {
        let headers = [
            ("host", "10.0.0.1:17010"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "bus.example, inner.example"),
        ];
        assert_eq!(at(&headers), "https://bus.example/soap/orders");
        assert_eq!(at(&[("host", "a"), ("x-forwarded-host", "<b>")]), "http://a/soap/orders");
    }
}

//! The address by which a caller reached the bus, for the WSDL that it asked for.

use http::{HeaderMap, Uri, header::HOST};

use crate::request::Head;

/// Scheme, host and path of the request. What a balancer says of the caller's own request counts where its
/// word is taken (`trusted`).
pub(super) fn location(head: &Head, trusted: bool) -> String {
    let forwarded = |name| if trusted { first(&head.headers, name) } else { None };
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let host = forwarded("x-forwarded-host").or_else(|| first(&head.headers, HOST.as_str()));
    let host = host.or_else(|| authority(&head.uri)).filter(|host| is_host(host)).unwrap_or("localhost");
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

    fn at(trusted: bool, headers: &[(&'static str, &'static str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<HeaderMap>();
        let head = Head { method: Method::GET, uri: "/soap/orders?wsdl".parse().unwrap(), headers };
        location(&head, trusted)
    }

    #[test]
    fn it_is_the_host_that_the_caller_used() {
        assert_eq!(at(false, &[("host", "bus.example:8080")]), "http://bus.example:8080/soap/orders");
        assert_eq!(at(false, &[("host", "[::1]:80")]), "http://[::1]:80/soap/orders");
        assert_eq!(at(false, &[]), "http://localhost/soap/orders");
        assert_eq!(at(false, &[("host", "x\"><y")]), "http://localhost/soap/orders");
    }

    #[test]
    fn a_balancer_tells_where_the_caller_came_in_if_it_is_trusted() {
        let headers = [
            ("host", "10.0.0.1:17010"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "bus.example, inner.example"),
        ];
        assert_eq!(at(true, &headers), "https://bus.example/soap/orders");
        assert_eq!(at(false, &headers), "http://10.0.0.1:17010/soap/orders");
    }
}

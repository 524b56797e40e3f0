//! From a method and a path to a channel.
//!
//! A path is split at `/` first and each segment percent-decoded once afterwards. At every segment a
//! literal beats a parameter and a parameter beats a tail; where the better way leads nowhere the
//! next one is tried.

use std::{borrow::Cow, collections::HashMap};

use crate::path::{PathPattern, Segment, decode_segment};

/// What stands at one path.
#[derive(Clone, Debug)]
struct Endpoint<T> {
    /// Upper-case methods; empty for any.
    methods: Vec<String>,
    parameters: Vec<String>,
    target: T,
}

#[derive(Clone, Debug)]
struct Node<T> {
    literals: HashMap<String, Node<T>>,
    parameter: Option<Box<Node<T>>>,
    here: Vec<Endpoint<T>>,
    tail: Vec<Endpoint<T>>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: HashMap::new(), parameter: None, here: Vec::new(), tail: Vec::new() }
    }
}

/// An immutable routing table once it is built.
#[derive(Clone, Debug)]
pub struct Router<T> {
    root: Node<T>,
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

/// Parameters of a matched path, decoded, in the pattern's order.
pub type Parameters = Vec<(String, String)>;

#[derive(Debug, PartialEq, Eq)]
pub enum Match<'a, T> {
    Found {
        target: &'a T,
        parameters: Parameters,
    },
    /// The path is known, the method is not: these are.
    WrongMethod {
        allow: Vec<String>,
    },
    Unknown,
}

impl<T> Router<T> {
    /// Adds a channel's address; gives back the target that already stands there, if one does.
    pub fn insert(&mut self, pattern: &PathPattern, methods: &[String], target: T) -> Result<(), &T> {
        let mut node = &mut self.root;
        let mut tail = false;
        for segment in pattern.segments() {
            match segment {
                Segment::Literal(text) => node = node.literals.entry(text.clone()).or_default(),
                Segment::Parameter(_) => node = node.parameter.get_or_insert_default(),
                Segment::Tail(_) => tail = true,
            }
        }
        let endpoints = if tail { &mut node.tail } else { &mut node.here };
        if let Some(at) = endpoints.iter().position(|other| overlap(&other.methods, methods)) {
            return Err(&endpoints[at].target);
        }
        let parameters = pattern.parameters().map(str::to_owned).collect();
        endpoints.push(Endpoint { methods: methods.to_vec(), parameters, target });
        // One that names its methods is looked at before one that takes any.
        endpoints.sort_by_key(|endpoint| endpoint.methods.is_empty());
        Ok(())
    }

    /// The methods and targets of all that stands at an address.
    pub fn standing(&self, pattern: &PathPattern) -> impl Iterator<Item = (&[String], &T)> {
        let endpoints = self.endpoints(pattern).map_or(&[][..], Vec::as_slice);
        endpoints.iter().map(|endpoint| (endpoint.methods.as_slice(), &endpoint.target))
    }

    fn endpoints(&self, pattern: &PathPattern) -> Option<&Vec<Endpoint<T>>> {
        let mut node = &self.root;
        for segment in pattern.segments() {
            match segment {
                Segment::Literal(text) => node = node.literals.get(text)?,
                Segment::Parameter(_) => node = node.parameter.as_deref()?,
                Segment::Tail(_) => return Some(&node.tail),
            }
        }
        Some(&node.here)
    }

    /// `path` is raw: percent-encoded, without a query.
    pub fn find(&self, method: &str, path: &str) -> Match<'_, T> {
        let Some(rest) = path.strip_prefix('/') else { return Match::Unknown };
        let Some(decoded) = rest.split('/').map(decode_segment).collect::<Option<Vec<_>>>() else {
            return Match::Unknown;
        };
        let mut walk = Walk { method, decoded: &decoded, values: Vec::new(), allow: Vec::new() };
        match walk.descend(&self.root, 0) {
            Some((endpoint, values)) => Match::Found {
                target: &endpoint.target,
                parameters: endpoint.parameters.iter().cloned().zip(values).collect(),
            },
            None if walk.allow.is_empty() => Match::Unknown,
            None => Match::WrongMethod { allow: walk.allow },
        }
    }
}

struct Walk<'p> {
    method: &'p str,
    decoded: &'p [Cow<'p, str>],
    values: Vec<&'p str>,
    allow: Vec<String>,
}

impl<'p> Walk<'p> {
    fn descend<'t, T>(&mut self, node: &'t Node<T>, at: usize) -> Option<(&'t Endpoint<T>, Vec<String>)> {
        let decoded = self.decoded;
        let Some(segment) = decoded.get(at) else {
            return self.choose(&node.here).map(|endpoint| (endpoint, self.taken(None)));
        };
        if let Some(next) = node.literals.get(segment.as_ref())
            && let Some(found) = self.descend(next, at + 1)
        {
            return Some(found);
        }
        // An empty segment fills no parameter: `/greet/` is not `/greet/{name}`.
        if let Some(next) = &node.parameter
            && !segment.is_empty()
        {
            self.values.push(segment);
            if let Some(found) = self.descend(next, at + 1) {
                return Some(found);
            }
            self.values.pop();
        }
        let endpoint = self.choose(&node.tail)?;
        Some((endpoint, self.taken(Some(decoded[at..].join("/")))))
    }

    fn choose<'t, T>(&mut self, endpoints: &'t [Endpoint<T>]) -> Option<&'t Endpoint<T>> {
        let found = endpoints.iter().find(|endpoint| serves(&endpoint.methods, self.method));
        if found.is_none() {
            for method in endpoints.iter().flat_map(|endpoint| &endpoint.methods) {
                self.permit(method);
                if method == "GET" {
                    self.permit("HEAD");
                }
            }
        }
        found
    }

    fn permit(&mut self, method: &str) {
        if !self.allow.iter().any(|known| known == method) {
            self.allow.push(method.to_owned());
        }
    }

    fn taken(&self, tail: Option<String>) -> Vec<String> {
        self.values.iter().map(|value| (*value).to_owned()).chain(tail).collect()
    }
}

/// A channel with GET answers HEAD too (RFC 9110, section 9.3.2).
fn serves(methods: &[String], method: &str) -> bool {
    methods.is_empty() || methods.iter().any(|m| m == method || (method == "HEAD" && m == "GET"))
}

fn overlap(a: &[String], b: &[String]) -> bool {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => true,
        (false, false) => a.iter().any(|method| b.contains(method)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Match, Router};
    use crate::path::PathPattern;

    fn router(routes: &[(&str, &[&str])]) -> Router<String> {
        let mut router = Router::default();
        for (path, methods) in routes {
            let methods: Vec<String> = methods.iter().map(|m| (*m).to_owned()).collect();
            router.insert(&PathPattern::parse(path).unwrap(), &methods, (*path).to_owned()).unwrap();
        }
        router
    }

    fn found(router: &Router<String>, method: &str, path: &str) -> (String, Vec<(String, String)>) {
        match router.find(method, path) {
            Match::Found { target, parameters } => (target.clone(), parameters),
            other => panic!("{path}: {other:?}"),
        }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_literal_beats_a_parameter_and_a_parameter_a_tail() {
        let router = router(&[("/a/{x}", &[]), ("/a/b", &[]), ("/a/{rest...}", &[])]);
        assert_eq!(found(&router, "GET", "/a/b").0, "/a/b");
        assert_eq!(found(&router, "GET", "/a/c"), ("/a/{x}".to_owned(), vec![pair("x", "c")]));
        assert_eq!(found(&router, "GET", "/a/b/c"), ("/a/{rest...}".to_owned(), vec![pair("rest", "b/c")]));
    }

    #[test]
    fn goes_back_where_the_literal_leads_nowhere() {
        let router = router(&[("/a/b/d", &[]), ("/{x}/b/c", &[])]);
        assert_eq!(found(&router, "GET", "/a/b/c"), ("/{x}/b/c".to_owned(), vec![pair("x", "a")]));
    }

    #[test]
    fn an_encoded_slash_stays_in_its_parameter() {
        let router = router(&[("/a/{p}", &[])]);
        assert_eq!(found(&router, "GET", "/a/x%2Fy").1, vec![pair("p", "x/y")]);
        assert_eq!(router.find("GET", "/a/x/y"), Match::Unknown);
        assert_eq!(router.find("GET", "/a/"), Match::Unknown);
        assert_eq!(router.find("GET", "/a/%zz"), Match::Unknown);
    }

    #[test]
    fn an_encoded_literal_is_the_literal() {
        let router = router(&[("/greet", &[])]);
        assert_eq!(found(&router, "GET", "/gr%65et").0, "/greet");
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let router = router(&[("/a", &["GET"]), ("/a/{rest...}", &["PUT"])]);
        assert_eq!(
            router.find("DELETE", "/a"),
            Match::WrongMethod { allow: vec!["GET".to_owned(), "HEAD".to_owned()] }
        );
        assert_eq!(found(&router, "HEAD", "/a").0, "/a");
    }

    #[test]
    fn two_channels_share_a_path_by_method_but_not_one_method() {
        let mut router = router(&[("/a/{x}", &["GET"]), ("/a/{x}", &["POST"])]);
        let pattern = PathPattern::parse("/a/{y}").unwrap();
        assert_eq!(router.insert(&pattern, &["POST".to_owned()], String::new()), Err(&"/a/{x}".to_owned()));
        assert_eq!(router.insert(&pattern, &[], "any".to_owned()), Ok(()));
        assert_eq!(found(&router, "GET", "/a/1").0, "/a/{x}");
        assert_eq!(found(&router, "PUT", "/a/1"), ("any".to_owned(), vec![pair("y", "1")]));
    }
}

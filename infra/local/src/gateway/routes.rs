//! Finds the route of a request in API Gateway's order: a full match before a greedy one, text before a parameter, a named
//! method before `ANY`, `$default` last.

use std::collections::BTreeMap;

use crate::template::{Function, Method, Route, Segment};

/// All routes with the functions they lead to.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    routes: Vec<(Route, String)>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub function: String,
    /// The route, as API Gateway names it.
    pub key: String,
    /// The path's parameters, decoded.
    pub parameters: BTreeMap<String, String>,
}

impl Routes {
    /// The routes of all functions.
    #[must_use]
    pub fn new(functions: &[Function]) -> Self {
        let routes = functions
            .iter()
            .flat_map(|function| function.routes.iter().map(|route| (route.clone(), function.crate_name.clone())));
        Self { routes: routes.collect() }
    }

    /// The route of a request; `path` is decoded.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Match> {
        let parts: Vec<&str> = match path.trim_start_matches('/').trim_end_matches('/') {
            "" => Vec::new(),
            path => path.split('/').collect(),
        };
        let matching = self.routes.iter().filter_map(|(route, function)| {
            let rank = match &route.method {
                None => return Some((vec![9], route, function, BTreeMap::new())),
                Some(Method::Any) => 1,
                Some(Method::Named(name)) if name == method => 0,
                Some(Method::Named(_)) => return None,
            };
            let (mut order, parameters) = fit(&route.segments, &parts)?;
            order.push(rank);
            Some((order, route, function, parameters))
        });
        let (_, route, function, parameters) = matching.min_by(|a, b| a.0.cmp(&b.0))?;
        Some(Match { function: function.clone(), key: route.key.clone(), parameters })
    }
}

/// How a route's segments take the parts of a path: 1 for text, 2 for a parameter, 3 for the greedy rest.
fn fit(segments: &[Segment], parts: &[&str]) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let (mut order, mut parameters) = (Vec::new(), BTreeMap::new());
    let mut rest = parts;
    for segment in segments {
        let (part, after) = rest.split_first()?;
        match segment {
            Segment::Text(text) if text == part => order.push(1),
            Segment::Text(_) => return None,
            Segment::Parameter(name) => {
                order.push(2);
                parameters.insert(name.clone(), (*part).to_owned());
            }
            Segment::Greedy(name) => {
                order.insert(0, 3);
                parameters.insert(name.clone(), rest.join("/"));
                return Some((order, parameters));
            }
        }
        rest = after;
    }
    rest.is_empty().then_some((order, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let route = |method: Option<&str>, path: &str| {
            let segments = path.split('/').skip(1).map(|part| {
                match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    None => Segment::Text(part.to_owned()),
                    Some(name) => match name.strip_suffix('+') {
                        None => Segment::Parameter(name.to_owned()),
                        Some(name) => Segment::Greedy(name.to_owned()),
                    },
                }
            });
            let key = format!("{} {path}", method.unwrap_or("$default"));
            let method = method.map(|method| match method {
                "ANY" => Method::Any,
                name => Method::Named(name.to_owned()),
            });
            (Route { key: key.clone(), method, segments: segments.collect() }, key)
        };
        Routes {
            routes: vec![
                route(None, ""),
                route(Some("ANY"), "/files/{rest+}"),
                route(Some("GET"), "/processes"),
                route(Some("GET"), "/processes/{id}"),
                route(Some("ANY"), "/processes/{id}"),
                route(Some("GET"), "/processes/export"),
                route(Some("GET"), "/processes/{id}/evidence/{evidence_id}"),
            ],
        }
    }

    #[track_caller]
    fn leads(method: &str, path: &str, key: &str, parameters: &[(&str, &str)]) {
        let found = routes().find(method, path).expect("a route");
        assert_eq!(found.key, key, "{method} {path}");
        let parameters: BTreeMap<_, _> = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(found.parameters, parameters, "{method} {path}");
    }

    #[test]
    fn the_most_exact_route_wins() {
        leads("GET", "/processes", "GET /processes", &[]);
        leads("GET", "/processes/", "GET /processes", &[]);
        leads("GET", "/processes/export", "GET /processes/export", &[]);
        leads("GET", "/processes/7", "GET /processes/{id}", &[("id", "7")]);
        leads("DELETE", "/processes/export", "ANY /processes/{id}", &[("id", "export")]);
        leads("GET", "/files/a/b", "ANY /files/{rest+}", &[("rest", "a/b")]);
        leads(
            "GET",
            "/processes/7/evidence/9",
            "GET /processes/{id}/evidence/{evidence_id}",
            &[("id", "7"), ("evidence_id", "9")],
        );
    }

    #[test]
    fn what_has_no_route_takes_the_default() {
        for (method, path) in [("POST", "/processes"), ("GET", "/"), ("GET", "/processes/7/8"), ("GET", "/files")] {
            leads(method, path, "$default ", &[]);
        }
        assert_eq!(Routes::default().find("GET", "/"), None);
    }
}

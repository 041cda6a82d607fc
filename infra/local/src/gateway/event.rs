//! API Gateway's event (HTTP API, payload format 2.0) from a request, and the answer from what the function returned.

use std::collections::BTreeMap;

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::routes::Match;
use crate::template::Place;

/// What API Gateway itself adds to a request.
pub struct GatewayValues<'a> {
    pub request_id: &'a str,
    /// When it arrived.
    pub now: Timestamp,
    pub source_ip: String,
}

/// The path of a request, decoded as API Gateway decodes it.
#[must_use]
pub fn decoded_path(path: &str) -> String {
    decode(path, false)
}

/// The event for a request that takes the route `found`.
#[must_use]
pub fn event(parts: &Parts, body: &Bytes, found: &Match, values: &GatewayValues<'_>) -> Value {
    let path = decoded_path(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let (mut headers, cookies) = headers(&parts.headers);
    let text = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (host, user_agent) = (text("host"), text("user-agent"));
    // Like every proxy, the gateway adds the caller's address.
    let forwarded = [text("x-forwarded-for"), values.source_ip.clone()];
    let forwarded = forwarded.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ");
    headers.insert("x-forwarded-for".to_owned(), forwarded.into());
    headers.entry("x-forwarded-proto").or_insert_with(|| "http".into());
    let time = values.now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
    let mut event = json!({
        "version": "2.0",
        "routeKey": found.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": Place::ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": values.source_ip,
                "userAgent": user_agent,
            },
            "requestId": values.request_id,
            "routeKey": found.key,
            "stage": "$default",
            "time": time,
            "timeEpoch": values.now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = Value::Object(query_parameters(query));
    }
    if !found.parameters.is_empty() {
        event["pathParameters"] = json!(found.parameters);
    }
    if !body.is_empty() {
        let text = if is_text(&parts.headers) { std::str::from_utf8(body).ok() } else { None };
        event["isBase64Encoded"] = Value::Bool(text.is_none());
        event["body"] = text.map_or_else(|| BASE64.encode(body), str::to_owned).into();
    }
    event
}

/// Lower-cased and joined by commas; cookies apart.
fn headers(headers: &HeaderMap) -> (Map<String, Value>, Vec<String>) {
    let (mut joined, mut cookies) = (BTreeMap::<String, String>::new(), Vec::new());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == header::COOKIE {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
            continue;
        }
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    (joined.into_iter().map(|(name, value)| (name, Value::String(value))).collect(), cookies)
}

fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name, true), decode(value, true));
        parameters
            .entry(name)
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    parameters.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) if plus_is_space => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| digit.try_into().ok())
}

/// The content types that API Gateway passes on as text. All others, even forms and bodies without a type, are base64.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    !encoded
        && (kind.starts_with("text/")
            || ["application/json", "application/xml", "application/javascript"].contains(&kind.as_str()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default)]
    cookies: Vec<String>,
}

/// The HTTP response for a function's answer; `None` if the answer does not have the gateway's format.
#[must_use]
pub fn response(answer: Value) -> Option<Response> {
    let answer: Answer = serde_json::from_value(answer).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { BASE64.decode(body).ok()? } else { body.into_bytes() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    for (name, value) in answer.headers {
        response.headers_mut().insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    for cookie in answer.cookies {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_of(request: http::Request<&'static str>) -> Value {
        let (parts, body) = request.into_parts();
        let found = Match {
            function: "query-status".to_owned(),
            key: "GET /processes/{id}".to_owned(),
            parameters: BTreeMap::from([("id".to_owned(), "a b".to_owned())]),
        };
        let now = "2026-11-20T10:15:30.123Z".parse().expect("time");
        let values = GatewayValues { request_id: "r-1", now, source_ip: "127.0.0.1".to_owned() };
        event(&parts, &Bytes::from_static(body.as_bytes()), &found, &values)
    }

    #[test]
    fn an_event_looks_as_api_gateway_makes_it() {
        let request = http::Request::post("/processes/a%20b?x=1&x=2&y=%C3%B1+z")
            .header("Host", "127.0.0.1:9000")
            .header("User-Agent", "test")
            .header("Content-Type", "application/json")
            .header("X-Many", "one")
            .header("X-Many", "two")
            .header("Cookie", "a=1; b=2")
            .body(r#"{"a":1}"#)
            .expect("request");
        assert_eq!(
            event_of(request),
            json!({
                "version": "2.0",
                "routeKey": "GET /processes/{id}",
                "rawPath": "/processes/a b",
                "rawQueryString": "x=1&x=2&y=%C3%B1+z",
                "cookies": ["a=1", "b=2"],
                "headers": {
                    "content-type": "application/json",
                    "host": "127.0.0.1:9000",
                    "user-agent": "test",
                    "x-forwarded-for": "127.0.0.1",
                    "x-forwarded-proto": "http",
                    "x-many": "one,two",
                },
                "queryStringParameters": {"x": "1,2", "y": "ñ z"},
                "pathParameters": {"id": "a b"},
                "requestContext": {
                    "accountId": "000000000000",
                    "apiId": "local",
                    "domainName": "127.0.0.1:9000",
                    "domainPrefix": "local",
                    "http": {
                        "method": "POST",
                        "path": "/processes/a b",
                        "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1",
                        "userAgent": "test",
                    },
                    "requestId": "r-1",
                    "routeKey": "GET /processes/{id}",
                    "stage": "$default",
                    "time": "20/Nov/2026:10:15:30 +0000",
                    "timeEpoch": 1_795_169_730_123_i64,
                },
                "body": "{\"a\":1}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn a_body_that_is_not_known_to_be_text_is_encoded() {
        for kind in ["image/jpeg", "application/x-www-form-urlencoded", ""] {
            let mut request = http::Request::post("/").body("abc").expect("request");
            if !kind.is_empty() {
                request.headers_mut().insert("content-type", kind.parse().expect("header"));
            }
            let event = event_of(request);
            assert_eq!(event["isBase64Encoded"], true, "{kind}");
            assert_eq!(event["body"], "YWJj", "{kind}");
        }
    }

    #[test]
    fn lambda_http_takes_the_event() {
        let request = http::Request::get("/processes/a%20b?x=1").header("Host", "127.0.0.1:9000").body("").expect("ok");
        let request = lambda_http::request::from_str(&event_of(request).to_string()).expect("an event");
        assert_eq!(request.uri().path(), "/processes/a%20b");
        use lambda_http::RequestExt as _;
        assert_eq!(request.path_parameters().first("id"), Some("a b"));
        assert_eq!(request.query_string_parameters().first("x"), Some("1"));
    }

    #[test]
    fn an_answer_becomes_a_response() {
        let response = response(json!({
            "statusCode": 201, "headers": {"content-type": "image/png"}, "multiValueHeaders": {}, "body": "YWJj",
            "isBase64Encoded": true, "cookies": ["a=1"],
        }))
        .expect("a response");
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["content-type"], "image/png");
        assert_eq!(response.headers()["set-cookie"], "a=1");
        assert!(super::response(json!({"no": "answer"})).is_none());
    }
}

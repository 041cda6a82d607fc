//! One attempt at an incoming webhook of Slack.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::Message;
use crate::platform::http::UrlGuard;

/// Where Slack's incoming webhooks are.
const HOST: &str = "hooks.slack.com";

/// What answers show instead of the URL, which alone allows to post.
pub const SHOWN: &str = "https://hooks.slack.com/…";

/// Whether `url` is the placeholder that answers show.
#[must_use]
pub fn is_shown(url: &str) -> bool {
    let read = |url: &str| url::Url::parse(url).ok();
    read(url).is_some_and(|url| Some(url) == read(SHOWN))
}

/// Allows URLs of Slack only.
#[must_use]
pub fn guard(allow_loopback: bool) -> UrlGuard {
    UrlGuard::new(&[HOST.to_owned()], allow_loopback)
}

pub(super) fn request(message: &Message) -> (HeaderMap, String) {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (headers.into_iter().collect(), json!({"text": escaped(&message.text())}).to_string())
}

/// Escapes the three characters that have a meaning in Slack's texts.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

//! One attempt at an incoming webhook of Slack's.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use super::Message;
use crate::evidence::UrlGuard;

/// Where Slack's incoming webhooks are.
const HOST: &str = "hooks.slack.com";

/// Lets through URLs of Slack's only.
#[must_use]
pub fn guard(allow_loopback: bool) -> UrlGuard {
    UrlGuard::new(&[HOST.to_owned()], allow_loopback)
}

/// Headers and body.
pub(super) fn request(message: &Message) -> (HeaderMap, String) {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (headers.into_iter().collect(), json!({"text": escaped(&message.text())}).to_string())
}

/// The three characters that Slack's text gives a meaning to.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

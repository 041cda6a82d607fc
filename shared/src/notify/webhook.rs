//! One attempt at a customer's own endpoint, by Standard Webhooks 1.0.0.

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::SecretString;

use super::{Delivery, signature::sign};

///  The id is the event's, so that whoever gets it twice can tell.
pub(super) fn request(delivery: &Delivery, secrets: &[SecretString], now: Timestamp) -> (HeaderMap, String) {
    let body = delivery.message.body();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", delivery.event_id.to_string()),
        ("webhook-timestamp", now.as_second().to_string()),
        ("webhook-signature", sign(secrets, delivery.event_id, now, &body)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    {
        // Ids, numbers and base64 are valid header values.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    (headers, body)
}

//! A message to a phone, by way of whatever company a tenant has for that: one HTTP request, made from a template.
//!
//! The account is a secret of its own: `url`, `headers`, and a JSON `body` in whose texts `{phone}` (E.164), `{digits}` (the same
//! without its `+`), `{text}` and `{code}` stand for what they are; `text` replaces what the person reads. All but `url` may be
//! missing.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::platform::http::{UrlGuard, UrlRefused};

/// What the account's secret is called, beside those of the companies.
pub const ACCOUNT: &str = "sms";

/// What a person reads, where the account says nothing else.
pub const TEXT: &str = "Tu código de verificación es {code}. Vale 10 minutos.";

/// How a tenant sends messages to phones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsAccount {
    /// Where to post.
    pub(super) url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default = "body")]
    body: Value,
    #[serde(default)]
    text: Option<String>,
}

fn body() -> Value {
    json!({"to": "{phone}", "text": "{text}"})
}

impl SmsAccount {
    /// Whether messages can be posted where it says.
    ///
    /// # Errors
    /// Its URL is none that is ever called.
    pub fn check(&self, allow_loopback: bool) -> Result<(), UrlRefused> {
        UrlGuard::any_public_host(allow_loopback).register(&self.url).map(|_| ())
    }

    /// Headers and body of the request that sends `code` to `phone`.
    pub(super) fn request(&self, phone: &str, code: &str) -> (HeaderMap, String) {
        let text = self.text.as_deref().unwrap_or(TEXT).replace("{code}", code);
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        let digits = phone.trim_start_matches('+');
        // A template may bring the `+` itself.
        let fill = |template: &str| {
            let template = template.replace("+{phone}", "{phone}").replace("{phone}", phone);
            template.replace("{digits}", digits).replace("{text}", &text).replace("{code}", code)
        };
        (headers, filled(&self.body, &fill).to_string())
    }
}

/// A value with every text in it filled in.
fn filled(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(values) => values.iter().map(|value| filled(value, fill)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_text_of_the_template_is_filled_in() {
        let account: SmsAccount = serde_json::from_value(json!({
            "url": "https://sms.example.com", "headers": {"Authorization": "Bearer x"}, "text": "Code {code}",
            "body": {"messages": [{"destinations": [{"to": "+{phone}"}], "text": "{text}"}], "id": "{digits}", "flash": false}
        }))
        .unwrap();
        let (headers, body) = account.request("+525591038054", "006421");
        let expected = json!({"messages": [{"destinations": [{"to": "+525591038054"}], "text": "Code 006421"}], "id": "525591038054", "flash": false});
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
        assert!(headers["authorization"].is_sensitive());
    }
}

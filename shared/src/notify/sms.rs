//! A message to a phone through the tenant's own gateway: one HTTP request, made from a template.
//!
//! The account is a secret of its own: `url`, `headers`, and a JSON `body` whose texts may contain `{phone}` (E.164),
//! `{digits}` (the same without `+`), `{text}` and `{code}`. `text` replaces the text for the person. Only `url` is
//! required.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::platform::http::{UrlGuard, UrlRefused};

/// The name of the account's secret, beside those of the providers.
pub const ACCOUNT: &str = "sms";

/// The default text for the person.
pub const TEXT: &str = "Tu código de verificación es {code}. Vale 10 minutos.";

/// A tenant's account at its SMS gateway.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsAccount {
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
    /// Checks the URL.
    ///
    /// # Errors
    /// The URL is not allowed.
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
        // A template may contain the `+` itself.
        let fill = |template: &str| {
            let template = template.replace("+{phone}", "{phone}").replace("{phone}", phone);
            template.replace("{digits}", digits).replace("{text}", &text).replace("{code}", code)
        };
        (headers, filled(&self.body, &fill).to_string())
    }
}

/// Fills in the placeholders of every text in a value.
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

//! Reads and checks a create request (seed `004_…`; the newer page says that only WhatsApp needs a phone).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `expiredDate` must be at least this far in the future.
const LEAST_LIFE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What the customer ordered.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub email: String,
    pub platform: String,
    pub name: String,
    pub phone: Option<String>,
    pub country: String,
    /// `type`: which document.
    pub document: String,
    pub identification: String,
    pub user_email: Option<String>,
    pub custom: Option<Map<String, Value>>,
    pub expires_at: Option<Timestamp>,
    /// Webhook ids; empty means the default one.
    pub targets: Vec<String>,
    pub tags: Option<Vec<String>>,
}

impl Order {
    /// Reads a body with any content type. The error is Auco's `message`.
    pub fn read(body: &[u8], now: Timestamp) -> Result<Order, String> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return Err("BODY_INVALID".to_owned()) };
        let order = Order {
            email: required(&fields, "email")?,
            platform: required(&fields, "platform")?,
            name: required(&fields, "name")?,
            phone: text(&fields, "phone")?,
            country: required(&fields, "country")?,
            document: required(&fields, "type")?,
            identification: required(&fields, "identification")?,
            user_email: text(&fields, "userEmail")?,
            custom: match fields.get("custom") {
                None | Some(Value::Null) => None,
                Some(Value::Object(custom)) => Some(custom.clone()),
                Some(_) => return Err("CUSTOM_INVALID".to_owned()),
            },
            expires_at: expiry(&fields, now)?,
            targets: texts(&fields, "targetWebhooks")?.unwrap_or_default(),
            tags: texts(&fields, "tags")?,
        };
        match order.platform.as_str() {
            "whatsapp" if order.phone.is_none() => return Err("PHONE_REQUIRED".to_owned()),
            "whatsapp" | "web" => {}
            _ => return Err("PLATFORM_INVALID".to_owned()),
        }
        if order.phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
            return Err("PHONE_INVALID".to_owned());
        }
        Ok(order)
    }

    /// The script's text: `custom.sandbox`.
    pub fn script(&self) -> Result<&str, String> {
        match self.custom.as_ref().and_then(|custom| custom.get("sandbox")) {
            None => Ok(""),
            Some(Value::String(script)) => Ok(script),
            Some(_) => Err("custom.sandbox must be a string".to_owned()),
        }
    }
}

fn expiry(fields: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let Some(written) = text(fields, "expiredDate")? else { return Ok(None) };
    match written.parse::<Timestamp>() {
        Ok(expires_at) if expires_at.duration_since(now) > LEAST_LIFE => Ok(Some(expires_at)),
        _ => Err("EXPIRED_DATE_INVALID".to_owned()),
    }
}

/// A plus and 8 to 15 digits.
fn is_phone(phone: &str) -> bool {
    let digits = phone.strip_prefix('+').unwrap_or_default();
    (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn required(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    text(fields, name)?.ok_or_else(|| format!("{}_REQUIRED", spelled(name)))
}

/// An empty text counts as missing.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(format!("{}_INVALID", spelled(name))),
    }
}

fn texts(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(list) => serde_json::from_value(list.clone()).map(Some).map_err(|_| format!("{}_INVALID", spelled(name))),
    }
}

/// `expiredDate` becomes `EXPIRED_DATE`.
fn spelled(name: &str) -> String {
    let mut spelled = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(letter.to_ascii_uppercase());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: impl FnOnce(&mut Value)) -> Result<Order, String> {
        let mut body = serde_json::json!({
            "email": "a@b.co", "platform": "whatsapp", "name": "Ana Ruiz", "phone": "+573003003030",
            "country": "CO", "type": "CC", "identification": "1001001010",
        });
        change(&mut body);
        Order::read(body.to_string().as_bytes(), Timestamp::UNIX_EPOCH)
    }

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        read(change).map(|_| "accepted".to_owned()).unwrap_or_else(|message| message)
    }

    #[test]
    fn every_required_field_is_missed_by_name() {
        for field in ["email", "platform", "name", "phone", "country", "type", "identification"] {
            let expected = format!("{}_REQUIRED", field.to_uppercase());
            assert_eq!(refusal(|body| body[field] = Value::Null), expected);
            assert_eq!(refusal(|body| body[field] = " ".into()), expected);
        }
    }

    #[test]
    fn only_whatsapp_needs_a_phone_but_a_bad_one_is_refused_everywhere() {
        assert_eq!(refusal(|body| (body["platform"], body["phone"]) = ("web".into(), Value::Null)), "accepted");
        for phone in ["573003003030", "+1234567", "+1234567890123456", "+57300 3003030", "+"] {
            assert_eq!(
                refusal(|body| (body["platform"], body["phone"]) = ("web".into(), phone.into())),
                "PHONE_INVALID"
            );
        }
        assert_eq!(refusal(|body| body["platform"] = "sms".into()), "PLATFORM_INVALID");
    }

    #[test]
    fn the_expiry_must_be_more_than_three_days_ahead() {
        assert_eq!(refusal(|body| body["expiredDate"] = "1970-01-04T00:00:00.000Z".into()), "EXPIRED_DATE_INVALID");
        assert_eq!(refusal(|body| body["expiredDate"] = "soon".into()), "EXPIRED_DATE_INVALID");
        assert_eq!(refusal(|body| body["expiredDate"] = "1970-01-04T00:00:00.001Z".into()), "accepted");
    }
}

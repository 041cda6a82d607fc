//! Tecalis's JSON. Everything but the state is optional: a field that is missing, empty or of another form must not cost
//! the answer.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    process::ProcessId,
    providers::wire::{code, lenient},
};

/// The operations that are documented.
const OPERATIONS: [&str; 5] = ["HOME", "DOCUMENTS", "OCR", "POL", "FINISH"];

/// Body of `POST /customer` (seed `000_…`).
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub auth_uuid: &'a str,
    pub api_key: &'a str,
}

/// Answer to it.
#[derive(Deserialize)]
pub(super) struct Customer {
    #[serde(deserialize_with = "state")]
    pub process_status: String,
    #[serde(default, deserialize_with = "lenient")]
    pub general: General,
    #[serde(default, deserialize_with = "operations")]
    pub operations: Vec<Operation>,
    #[serde(default, deserialize_with = "lenient")]
    pub identity: Map<String, Value>,
}

/// What is about the session as a whole. The company and its metadata are not read.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct General {
    #[serde(deserialize_with = "lenient")]
    pub auth: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub location: Vec<Map<String, Value>>,
    #[serde(deserialize_with = "lenient")]
    pub devices: Vec<Map<String, Value>>,
    /// Link to the recording of the session.
    #[serde(deserialize_with = "lenient")]
    pub video: Option<String>,
}

/// One step of the person's session.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Operation {
    /// Its name in capitals, from its key in a map or a field in an array.
    #[serde(skip)]
    pub name: String,
    #[serde(deserialize_with = "lenient")]
    pub uuid: Option<String>,
    #[serde(deserialize_with = "state")]
    pub state: String,
    #[serde(deserialize_with = "lenient")]
    pub completed: bool,
    #[serde(deserialize_with = "lenient")]
    pub end_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient")]
    pub antifraud: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub images: Map<String, Value>,
    /// Everything else, what was read from the document among it.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Operation {
    /// Whether the person is done with it.
    pub(super) fn is_over(&self) -> bool {
        self.completed || matches!(self.state.as_str(), "OK" | "KO")
    }

    /// Every link by the kind of its picture and its place among them, from 1.
    pub(super) fn pictures(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.images.iter().flat_map(|(kind, links)| {
            let links = match links {
                Value::Array(links) => links.as_slice(),
                link => std::slice::from_ref(link),
            };
            let links = links.iter().zip(1..).filter_map(|(link, place)| Some((place, link.as_str()?)));
            links.filter(|(_, link)| !link.is_empty()).map(|(place, link)| (kind.as_str(), place, link))
        })
    }
}

/// Body of a callback, of which no form is documented.
pub(super) struct Callback(pub Value);

impl Callback {
    /// The authorization it names, spelled as we spell it.
    pub(super) fn authorization(&self) -> Option<String> {
        ["/auth_uuid", "/auth", "/general/auth"]
            .iter()
            .find_map(|path| Uuid::try_parse(self.0.pointer(path)?.as_str()?.trim()).ok())
            .map(|uuid| uuid.to_string())
    }

    /// Our own id, where the authorization's metadata has it.
    pub(super) fn process_id(&self) -> Option<ProcessId> {
        ["/metadata/cotejo_id", "/general/metadata/cotejo_id"]
            .iter()
            .find_map(|path| self.0.pointer(path)?.as_str()?.parse().ok())
    }

    /// What it says of the state, if that is a code.
    pub(super) fn state(&self) -> Option<String> {
        let state = ["process_status", "status", "state"].iter().find_map(|name| self.0.get(name)?.as_str());
        state.and_then(code).map(str::to_ascii_uppercase)
    }
}

/// The code in the body of a refusal: `{"internal_code": 401, …}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    match body.get("internal_code")? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => code(text).map(str::to_owned),
        _ => None,
    }
}

/// A state, without the blanks and in the case the documentation uses; none is as good as an unknown one.
fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let state: Option<String> = lenient(deserializer)?;
    Ok(state.as_deref().and_then(code).unwrap_or_default().to_ascii_uppercase())
}

/// `/customer` has a map by name; other pages of Tecalis have a list.
fn operations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operation>, D::Error> {
    let named = |(name, value): (String, Value)| {
        let name = code(&name)?.to_ascii_uppercase();
        let mut operation = Operation { name, ..serde_json::from_value(value).ok()? };
        let is_name = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(&operation.name));
        operation.fields.retain(|_, value| !is_name(value));
        Some(operation)
    };
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(map) => map.into_iter().filter_map(named).collect(),
        Value::Array(items) => {
            items.into_iter().filter_map(|item| name_of(&item).map(|name| (name, item))).filter_map(named).collect()
        }
        _ => Vec::new(),
    })
}

/// The name of a list's item. Nobody says which field has it. `name` and `type` may also hold other things (a person's
/// name, the kind of a proof of life), so there only a documented operation counts.
fn name_of(item: &Value) -> Option<String> {
    let text = |field: &str| item.get(field).and_then(Value::as_str).and_then(code).map(str::to_ascii_uppercase);
    let known = |field| text(field).filter(|name| OPERATIONS.contains(&name.as_str()));
    text("operation").or_else(|| text("operation_name")).or_else(|| known("name")).or_else(|| known("type"))
}

//! Reading a request to verify: which fields there are, which must be, and what they may hold (seed `003_…`).
//!
//! According to the seed, a callback's address may be omitted if the user's settings have one. The sandbox has no such
//! settings, so the address is required.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::script::Script;

/// What the customer ordered, without the pictures.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    /// Chosen by the customer.
    pub id: String,
    pub images: usize,
    pub has_face: bool,
    pub country: String,
    /// Where the certificate is announced, if one is wanted.
    pub certify_to: Option<String>,
    /// The address for the reviewer's result, if a review by hand is requested.
    pub review_to: Option<String>,
}

/// Why a request cannot be taken.
#[derive(Debug)]
pub(super) struct BadOrder {
    /// As far as it could be read.
    pub id: String,
    /// What follows `Validation Error:`.
    pub why: String,
}

impl Order {
    /// Reads a body with any content type, and the script of its first picture.
    pub(super) fn read(body: &[u8]) -> Result<(Order, Script), BadOrder> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(BadOrder { id: String::new(), why: "The body is not a JSON object".to_owned() });
        };
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        read(&fields).map_err(|why| BadOrder { id, why })
    }
}

fn read(fields: &Map<String, Value>) -> Result<(Order, Script), String> {
    let id = text(fields, "id")?.ok_or_else(|| missing("id"))?;
    let images = match fields.get("images") {
        None | Some(Value::Null) => return Err(missing("images")),
        Some(Value::Array(images)) if (1..=2).contains(&images.len()) => images,
        Some(_) => return Err("The field images must hold one or two images".to_owned()),
    };
    let mut contents = Vec::new();
    let mut has_face = false;
    for image in images {
        contents.push(picture(image, "content")?.ok_or_else(|| missing("content"))?);
        has_face |= picture(image, "faceImage")?.is_some();
    }
    let order = Order {
        id,
        images: images.len(),
        has_face,
        country: text(fields, "expeditorCountry")?.ok_or_else(|| missing("expeditorCountry"))?,
        certify_to: callback(fields, "certify", "certifyCallback")?,
        review_to: callback(fields, "manualVerification", "manualVerificationCallback")?,
    };
    let script = Script::of_picture(contents.first().map(Vec::as_slice).unwrap_or_default());
    let script = script.map_err(|word| format!("The picture's script has the unknown word \"{word}\""))?;
    Ok((order, script))
}

fn missing(name: &str) -> String {
    format!("The field {name} is required")
}

/// An empty text counts as missing.
fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(format!("The field {name} must be a string")),
    }
}

fn picture(image: &Value, name: &str) -> Result<Option<Vec<u8>>, String> {
    let Value::Object(image) = image else { return Err("The field images must hold objects".to_owned()) };
    let Some(written) = text(image, name)? else { return Ok(None) };
    let bytes = BASE64.decode(written).map_err(|_| "There are images with invalid base64 format".to_owned())?;
    Ok(Some(bytes))
}

/// The address, if its service is ordered.
fn callback(fields: &Map<String, Value>, wish: &str, address: &str) -> Result<Option<String>, String> {
    match fields.get(wish) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => text(fields, address)?.ok_or_else(|| missing(address)).map(Some),
        Some(_) => Err(format!("The field {wish} must be a boolean")),
    }
}

//! What the machine says: the verdict, and every field that its engine (ICAR) read or tested, in the engine's order. The
//! card is the Spanish authorities' specimen, whose two surnames are two fields of one code.

use serde_json::{Value, json};

use super::script::Automatic;

/// The values read from the card. Some codes occur several times, once for each line of the card.
const READ: [(&str, &str); 25] = [
    ("TYPE", "IDENTITY"),
    ("SIDE", "1"),
    ("EXPEDITOR", "ESP"),
    ("NATIONALITY", "ESP"),
    ("NAME", "CARMEN"),
    ("SURNAME", "ESPAÑOLA"),
    ("SURNAME", "ESPAÑOLA"),
    ("ID_NUMBER", "99999999R"),
    ("DOC_NUMBER", "BAA000589"),
    ("STREET_ADDRESS", "AVENIDA DE MADRID S/N"),
    ("CITY_ADDRESS", "MADRID"),
    ("STATE_ADDRESS", "MADRID"),
    ("ADDRESS", "AVENIDA DE MADRID S/N"),
    ("ADDRESS", "MADRID"),
    ("ADDRESS", "MADRID"),
    ("BIRTHPLACE", "MADRID"),
    ("BIRTHPLACE", "MADRID"),
    ("PARENTS", "PEDRO / MARIA"),
    ("BIRTHDATE", "1980-01-01"),
    ("EXPIRY", "2031-06-02"),
    ("SEX", "F"),
    ("AUTHORITY", "28391A6DK"),
    ("MRZ", "IDESPBAA000589599999999R<<<<<<"),
    ("MRZ", "8001014F3106028ESP<<<<<<<<<<<9"),
    ("MRZ", "ESPANOLA<ESPANOLA<<CARMEN<<<<<"),
];

/// The tests before the verdicts, with the results of a good card.
const TESTED: [(&str, &str); 12] = [
    ("TEST_MRZ_GLOBAL_INTEGRITY", "OK"),
    ("TEST_MRZ_FIELDS_INTEGRITY", "OK DOC_NUMBER"),
    ("TEST_MRZ_FIELDS_INTEGRITY", "OK BIRTHDATE"),
    ("TEST_MRZ_FIELDS_INTEGRITY", "OK EXPIRY"),
    ("TEST_COLOR_IMAGE", "OK"),
    ("TEST_EXPIRY_DATE", "OK"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK NAME"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK SURNAME"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK ID_NUMBER"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK EXPIRY"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK BIRTHDATE"),
    ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "OK SEX"),
];

/// What runs after all tests.
const TAIL: [(&str, &str); 6] = [
    ("MODEL_ID", "IDESPC1"),
    ("SIDES_NUMBER", "2"),
    ("QUALITY_IMAGE_BLURRING", "IQ_GOOD 11%"),
    ("QUALITY_IMAGE_GLARES", "IQ_GOOD 4%"),
    ("QUALITY_IMAGE_RESOLUTION", "IQ_GOOD 92%"),
    ("ICAR_RESULT_DOCUMENT_ID", "IDESPC1"),
];

/// `idVerification` of a verification by machine. An operation that did not complete says nothing but that.
pub(super) fn verification(found: Automatic, status: &str, has_face: bool) -> Value {
    let (result, warning) = match found {
        Automatic::Processing | Automatic::Error => return json!({ "status": status, "process": "Automatic" }),
        Automatic::Good | Automatic::FaceFails | Automatic::FaceMissing => ("Ok", ""),
        Automatic::NotCorrect => ("NotCorrect", "The document could not be proved authentic"),
        Automatic::NotProcessed => ("NotProcessed", "The document was not recognised"),
        Automatic::Warning => ("Warning", "The sides do not belong together"),
    };
    let fields = if found == Automatic::NotProcessed { Vec::new() } else { fields(found, has_face) };
    json!({ "status": status, "process": "Automatic", "result": result, "warning": warning, "fields": fields })
}

fn fields(found: Automatic, has_face: bool) -> Vec<Value> {
    let mut fields: Vec<(&str, &str)> = READ.into_iter().chain(TESTED).collect();
    fields.push(("TEST_SIDE_CORRESPONDENCE", if found == Automatic::Warning { "FAIL" } else { "OK" }));
    let (authenticity, ratio) = if found == Automatic::NotCorrect { ("FAIL", "0.310000") } else { ("OK", "0.990000") };
    fields.extend([("TEST_GLOBAL_AUTHENTICITY_RATIO", ratio), ("TEST_GLOBAL_AUTHENTICITY_VALUE", authenticity)]);
    if has_face && found != Automatic::FaceMissing {
        let (face, ratio) = if found == Automatic::FaceFails { ("FAIL", "0.120000") } else { ("OK", "0.970000") };
        fields.extend([("TEST_FACE_RECOGNITION_RATIO", ratio), ("TEST_FACE_RECOGNITION_VALUE", face)]);
    }
    fields.extend(TAIL);
    fields.into_iter().map(|(code, value)| shown(code, value)).collect()
}

fn shown(code: &str, value: &str) -> Value {
    let kind = if code.starts_with("TEST_") { "Validation" } else { "Normal" };
    json!({ "type": kind, "code": code, "value": value, "description": code })
}

/// Undocumented entries in front of the fields.
pub(super) fn make_odd(verification: &mut Value) {
    let odd = [json!(null), json!("SURNAME"), json!({ "value": "x" }), json!({ "code": "SEX", "value": { "x": "F" } })];
    if let Some(fields) = verification["fields"].as_array_mut() {
        fields.splice(0..0, odd);
    }
}

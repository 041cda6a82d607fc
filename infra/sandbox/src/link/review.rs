//! The findings of the review by hand: the `data` of a `ManualIDVerification` callback, in the form of the seed's three
//! samples. Two of the samples write some results with a leading space, and so does this module.

use serde_json::{Value, json};

use super::script::Manual;

/// The data; `None` where the operation failed. What is about the face is there only if one was sent.
pub(super) fn data(found: Manual, has_face: bool) -> Option<Value> {
    let document = match found {
        Manual::Error | Manual::Never => return None,
        Manual::NotApproved => not_approved(),
        Manual::Rejected => rejected(),
        _ => approved(),
    };
    let face = match found {
        Manual::NoFaceInfo => None,
        Manual::NotApproved => Some(compared("NOT_MATCH", "NOT_LIVE")),
        Manual::Rejected => Some(json!({
            "acceptance": {
                "result": " REJECTED",
                "reasons": [
                    "POOR_CONTRAST", "POOR_EXPOSURE", "OUT_OF_FOCUS", "GLARE", "MISSING_SELFIE", "MISSING_PORTRAIT",
                    "NOT_HUMAN_FACE", "PARTIALLY_VISIBLE_HUMAN_FACE", "SELFIE_NOT_LIVE", "PORTRAIT_IS_FAKE",
                ],
            },
        })),
        Manual::SelfieNotLive => {
            Some(json!({ "acceptance": { "result": " REJECTED", "reasons": ["SELFIE_NOT_LIVE"] } }))
        }
        Manual::NotMatch => Some(compared("NOT_MATCH", "LIVE")),
        Manual::NotLive => Some(compared("MATCH", "NOT_LIVE")),
        _ => Some(compared("MATCH", "LIVE")),
    };
    let mut data = json!({ "documentInfo": document });
    if let Some(face) = face.filter(|_| has_face) {
        data["faceComparisonInfo"] = face;
    }
    Some(data)
}

fn compared(same: &str, alive: &str) -> Value {
    json!({
        "acceptance": { "result": "ACCEPTED" },
        "findings": { "faceComparisonApproval": same, "faceLivenessApproval": alive },
    })
}

fn approved() -> Value {
    json!({
        "acceptance": { "result": "ACCEPTED" },
        "findings": {
            "documentApproval": "APPROVED",
            "details": {
                "authenticity": { "result": "AUTHENTIC" },
                "originality": { "result": "ORIGINAL" },
                "validity": { "result": "VALID" },
            },
        },
        "extractedData": extracted(),
    })
}

fn not_approved() -> Value {
    json!({
        "acceptance": { "result": " ACCEPTED" },
        "findings": {
            "documentApproval": "NOT_APPROVED",
            "details": {
                "authenticity": {
                    "result": "NOT_AUTHENTIC",
                    "reasons": [
                        "EVIDENCE_OF_FORGERY_BIODATA_FONTS",
                        "EVIDENCE_OF_FORGERY_MRZ_FONTS",
                        "EVIDENCE_OF_FORGERY_PHOTO_ZONE",
                        "EVIDENCE_OF_FORGERY_SIGNATURE",
                    ],
                },
                "originality": {
                    "result": "NOT_ORIGINAL",
                    "reasons": ["EVIDENCE_OF_FORGERY_BLACK_AND_WHITE_COPY", "EVIDENCE_OF_FORGERY_DOCUMENT_STRUCTURE"],
                },
                "validity": {
                    "result": "NOT_VALID",
                    "reasons": ["EVIDENCE_OF_FORGERY_MRZ_CHECKSUMS", "EXPIRED_OR_INVALIDATED"],
                },
            },
        },
        "extractedData": extracted(),
    })
}

fn rejected() -> Value {
    json!({
        "acceptance": {
            "result": " REJECTED",
            "reasons": [
                "GLARE", "INCOMPLETE_DOCUMENT", "NOT_VISIBLE_FOUR_CORNERS", "NOT_VISIBLE_SECURITY_FEATURES",
                "OUT_OF_FOCUS", "POOR_CONTRAST", "POOR_EXPOSURE", "UNCLASSIFIED_DOCUMENT", "UNREADABLE_FIELD",
                "UNSUPPORTED_LANGUAGE",
            ],
        },
    })
}

/// The specimen card again. What a card does not have is an empty text.
fn extracted() -> Value {
    let address = json!({
        "addressLine1": "AVENIDA DE MADRID S/N",
        "addressLine2": "28001 MADRID",
        "addressLine3": "",
        "addressLine4": "",
    });
    let mut parsed = address.clone();
    parsed["city"] = "MADRID".into();
    parsed["postalCode"] = "28001".into();
    parsed["stateOrProvince"] = "MAD".into();
    json!({
        "documentAttributes": {
            "countryCodeOfIssuance": "ESP",
            "dateOfExpiry": "2031-06-02",
            "dateOfIssuance": "2021-06-02",
            "documentNumber": "99999999R",
            "documentType": "IDENTITY_CARD",
            "issuingAuthority": "",
            "stateOrProvinceOfIssuance": "MAD",
        },
        "personAttributes": {
            "dateOfBirth": "1980-01-01",
            "gender": "F",
            "nationalityCode": "ESP",
            "personalGovernmentId": "99999999R",
            "placeOfBirth": "MADRID",
        },
        "name": {
            "firstSurname": "ESPAÑOLA",
            "fullName": "CARMEN ESPAÑOLA ESPAÑOLA",
            "givenNames": "CARMEN",
            "secondSurname": "ESPAÑOLA",
            "surname": "ESPAÑOLA ESPAÑOLA",
        },
        "address": { "parsedAddress": parsed, "unparsedAddress": address },
    })
}

/// Undocumented forms: a reason that is not a text, and a map in place of a text.
pub(super) fn make_odd(data: &mut Value) {
    data["documentInfo"]["acceptance"]["reasons"] = json!([{ "code": "GLARE" }]);
    data["documentInfo"]["extractedData"]["personAttributes"]["placeOfBirth"] = json!({ "city": "MADRID" });
}

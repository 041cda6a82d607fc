//! Auco's own sample bodies, and the forms its pages leave open.

#![expect(clippy::unwrap_used, reason = "tests")]

use ::http::HeaderMap;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::*;
use crate::process::{EvidenceKind, Observation, ProcessId, findings::Outcome, ids::uuid_of};

const APPROVED: &str = include_str!("fixtures/001_2c6c5cd1839b43f7.approved.json");
const BLOCKED: &str = include_str!("fixtures/001_2c6c5cd1839b43f7.blocked.json");
const IN_PROGRESS: &str = include_str!("fixtures/001_2c6c5cd1839b43f7.in_progress.json");
const INVALIDATED: &str = include_str!("fixtures/001_2c6c5cd1839b43f7.invalidated.json");
const REQUEST: &str = include_str!("fixtures/004_71dfcc1ae7a32405.request.json");
const CREATED: &str = include_str!("fixtures/004_71dfcc1ae7a32405.created.json");
const REFUSED: &str = include_str!("fixtures/004_71dfcc1ae7a32405.expired_date_invalid.json");

fn now() -> Timestamp {
    "2026-11-01T10:00:00Z".parse().unwrap()
}

fn account(more: Value) -> AucoAccount {
    let mut account = json!({"public_key": "puk_test", "private_key": "prk_test", "webhook_id": "cotejo"});
    account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(account).unwrap()
}

fn auco(more: Value) -> Auco {
    Auco::new(ApiClient::new(NAME), "https://auco.example/v1.5/ext/", account(more))
}

fn request(change: impl FnOnce(&mut Value)) -> ProcessRequest {
    let mut request = json!({
        "provider": "auco",
        "person": {"name": "Juan Pérez", "phone": "+573003003030"},
        "document": {"country": "CO", "type": "CC", "number": "1001001010"},
        "options": {"platform": "whatsapp", "email": "prueba@auco.ai"},
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn problems(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let problems = auco(json!({})).check(&request(change), now());
    problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect()
}

fn sent(request: &ProcessRequest, more: Value) -> Value {
    let id = ProcessId(uuid_of(&["x"]));
    serde_json::to_value(mapping::creation(id, request, &account(more)).unwrap()).unwrap()
}

fn observed(answer: &str) -> (Observation, usize) {
    let (observation, links) = mapping::observation(serde_json::from_str(answer).unwrap(), now());
    assert_eq!(observation.media.len(), links.len());
    (observation, links.len())
}

fn changed(answer: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    change(&mut answer);
    answer.to_string()
}

#[test]
fn the_seed_s_request_is_what_is_sent() {
    let mut expected: Value = serde_json::from_str(REQUEST).unwrap();
    expected["custom"] = json!({"cotejo_id": uuid_of(&["x"]).to_string()});
    expected["targetWebhooks"] = json!(["cotejo"]);
    assert_eq!(sent(&request(|_| {}), json!({})), expected);
}

#[test]
fn every_optional_field_of_the_seed_can_be_sent() {
    let request = request(|request| {
        request["person"]["email"] = json!("juan@example.com");
        request["expires_at"] = json!("2026-12-01T00:00:00Z");
        request["tags"] = json!(["a"]);
        request["options"] = json!({
            "platform": "web", "email": "prueba@auco.ai", "custom": {"reference": "RF-1"},
            "target_webhooks": ["other"], "validation_types": ["face"],
        });
    });
    assert_eq!(auco(json!({})).check(&request, now()), []);
    let sent = sent(&request, json!({}));
    assert_eq!(sent["userEmail"], "juan@example.com");
    assert_eq!(sent["expiredDate"], "2026-12-01T00:00:00.000Z");
    assert_eq!(sent["tags"], json!(["a"]));
    assert_eq!(sent["targetWebhooks"], json!(["other", "cotejo"]));
    assert_eq!(sent["validationTypes"], json!(["face"]));
    assert_eq!(sent["custom"]["reference"], "RF-1");
}

#[test]
fn the_account_names_the_creator_where_the_request_does_not() {
    let request = request(|request| request["options"] = json!({"platform": "whatsapp"}));
    assert_eq!(sent(&request, json!({"creator_email": "ops@example.com"}))["email"], "ops@example.com");
    let without = auco(json!({})).check(&request, now());
    assert_eq!(without[0].field, "options.email");
}

#[test]
fn what_auco_would_refuse_is_refused_before_it_is_asked() {
    assert_eq!(problems(|_| {}), Vec::<String>::new());
    let phones = ["3003003030", "+57300", "+0573003003030", "+57 3003003030", "+5730030030301234"];
    for phone in phones {
        assert_eq!(problems(|r| r["person"]["phone"] = json!(phone)).len(), 1, "{phone}");
    }
    assert_eq!(problems(|r| r["person"]["phone"] = Value::Null), ["person.phone is required for platform whatsapp"]);
    assert_eq!(problems(|r| r["person"]["email"] = json!("juan@host")), ["person.email must be an e-mail address"]);
    assert_eq!(problems(|r| r["options"] = Value::Null), ["options must be an object"]);
    assert_eq!(problems(|r| r["options"]["platform"] = json!("sms")), ["options.platform must be whatsapp or web"]);
    assert_eq!(problems(|r| r["options"]["more"] = json!(1)), ["options.more is not a known field"]);
    assert_eq!(problems(|r| r["options"]["email"] = json!("x")), ["options.email must be an e-mail address"]);
    assert_eq!(
        problems(|r| r["options"]["custom"] = json!({"cotejo_id": "x"})),
        ["options.custom.cotejo_id is reserved"]
    );
    assert_eq!(
        problems(|r| r["options"]["validation_types"] = json!(["x"])),
        ["options.validation_types is for platform web only"]
    );
}

#[test]
fn an_end_must_be_more_than_three_days_ahead() {
    let ending = |at: Timestamp| problems(|r| r["expires_at"] = json!(at));
    assert_eq!(ending(now() + 72.hours()), ["expires_at must be more than 3 days ahead"]);
    assert_eq!(ending(now() + 73.hours()), Vec::<String>::new());
}

#[test]
fn an_account_may_be_limited_to_some_documents() {
    let limited = auco(json!({"documents": {"CO": ["CC"]}}));
    let field = |change: fn(&mut Value)| limited.check(&request(change), now()).into_iter().map(|p| p.field).next();
    assert_eq!(field(|_| {}), None);
    assert_eq!(field(|r| r["document"]["type"] = json!("CE")).as_deref(), Some("document.type"));
    assert_eq!(field(|r| r["document"]["country"] = json!("MX")).as_deref(), Some("document.country"));
}

#[test]
fn a_phone_is_needed_for_whatsapp_only() {
    let without_phone = problems(|request| {
        request["person"]["phone"] = Value::Null;
        request["options"]["platform"] = json!("web");
    });
    assert_eq!(without_phone, Vec::<String>::new());
}

#[test]
fn the_answers_to_a_creation_are_read() {
    let created: wire::Created = serde_json::from_str(CREATED).unwrap();
    assert_eq!(created.code, "VERIFACE_CODE");
    assert_eq!(wire::refusal_code(REFUSED.as_bytes()).as_deref(), Some("EXPIRED_DATE_INVALID"));
    // Prose may repeat what the person typed; it is no code.
    assert_eq!(wire::refusal_code(br#"{"message": "phone +57300 of Juan is wrong"}"#), None);
    assert_eq!(wire::refusal_code(b"<html>"), None);
}

#[test]
fn the_approved_sample_is_an_approval_with_three_pictures() {
    let (observation, pictures) = observed(APPROVED);
    assert_eq!((observation.status, pictures), (Status::Approved, 3));
    let kinds: Vec<_> = observation.media.iter().map(|media| (media.kind, media.attempt)).collect();
    use EvidenceKind::{DocumentBack, DocumentFront, Selfie};
    assert_eq!(kinds, [(DocumentFront, 1), (DocumentBack, 1), (Selfie, 1)]);
    assert_eq!(observation.media[0].captured_at, Some("2025-05-29T17:16:51.839Z".parse().unwrap()));
    insta::assert_json_snapshot!(observation.findings);
}

#[test]
fn the_other_samples_are_what_their_state_says() {
    let (observation, pictures) = observed(IN_PROGRESS);
    assert_eq!((observation.status, pictures), (Status::InProgress, 0));
    let (observation, pictures) = observed(BLOCKED);
    assert_eq!((observation.status, pictures), (Status::InReview, 2));
    assert_eq!(observation.reason.as_deref(), Some("error_identification_not_document"));
    insta::assert_json_snapshot!(observation.findings);
    let (observation, pictures) = observed(INVALIDATED);
    assert_eq!((observation.status, pictures), (Status::Rejected, 2));
    let outcomes: Vec<_> =
        observation.findings.checks.iter().map(|check| (check.name.as_str(), check.outcome)).collect();
    assert_eq!(outcomes, [("attempt", Outcome::Failed), ("document_back", Outcome::Failed)]);
}

#[test]
fn every_state_of_the_seed_has_its_meaning_and_an_unknown_one_ends_nothing() {
    let meanings = [
        ("INPROGRESS", Status::InProgress),
        ("BLOCKED", Status::InReview),
        ("APPROVED", Status::Approved),
        ("INVALIDATED", Status::Rejected),
        ("EXPIRED", Status::Expired),
        (" approved ", Status::Approved),
        ("SOMETHING_NEW", Status::InProgress),
    ];
    for (code, status) in meanings {
        assert_eq!(observed(&changed(APPROVED, |answer| answer["status"] = json!(code))).0.status, status, "{code}");
    }
}

#[test]
fn both_spellings_of_the_success_flag_count() {
    let newer = changed(APPROVED, |answer| {
        answer["hash"] = json!("0".repeat(64));
        let attempt = answer["attempts"][0].as_object_mut().unwrap();
        let flag = attempt.remove("successfull").unwrap();
        attempt.insert("successful".to_owned(), flag);
    });
    assert_eq!(observed(&newer), observed(APPROVED));
}

#[test]
fn a_field_of_another_form_does_not_cost_the_answer() {
    let odd = changed(APPROVED, |answer| {
        answer["ocrData"] = json!([]);
        answer["attempts"][0]["similarity"] = json!("91");
        answer["attempts"][0]["date"] = json!(1_748_539_011);
        answer["attempts"][0]["errorMessages"] = Value::Null;
        answer["custom"] = json!("x");
    });
    let (observation, pictures) = observed(&odd);
    assert_eq!((observation.status, pictures), (Status::Approved, 3));
    let without_attempts = changed(APPROVED, |answer| answer["attempts"] = json!({}));
    assert_eq!(observed(&without_attempts).1, 0);
}

#[test]
fn a_picture_keeps_its_identity_when_its_link_and_its_place_change() {
    let again = changed(APPROVED, |answer| {
        let first = answer["attempts"][0].clone();
        answer["attempts"][0]["date"] = json!("2025-05-29T16:00:00.000Z");
        answer["attempts"].as_array_mut().unwrap().push(first);
        answer["attempts"][1]["photo"] = json!("https://amazon.url/file/another-signature");
    });
    let sources = |answer: &str| observed(answer).0.media.into_iter().map(|media| media.source).collect::<Vec<_>>();
    assert_eq!(sources(APPROVED), sources(&again)[3..]);
}

#[test]
fn a_webhook_is_a_hint_and_only_a_reviewer_s_decision_is_held() {
    let auco = auco(json!({}));
    let read = |body: Value| {
        let body = body.to_string();
        auco.read_callback(&IncomingCallback::webhook(&HeaderMap::new(), body.as_bytes()))
    };
    let webhook = |status: &str| {
        json!({
            "code": "VERIFACE_CODE", "type": "veriface", "finish": true, "status": status, "message": "m",
            "data": {"name": "JUAN", "documentName": "CC"}, "similarity": 0.91,
        })
    };
    for (status, verdict) in [
        ("APPROVED", None),
        ("BLOCKED", None),
        ("VALIDATED", Some(Status::Approved)),
        ("INVALIDATED", Some(Status::Rejected)),
    ] {
        let callback = read(webhook(status)).unwrap();
        assert_eq!((callback.reference.as_str(), callback.code.as_str()), ("VERIFACE_CODE", status));
        assert_eq!(
            callback.verdict.map(|verdict| (verdict.status, verdict.patience)),
            verdict.map(|s| (s, REVIEW_PATIENCE))
        );
    }
    for bad in [json!({}), json!({"code": "x"}), json!({"code": 1, "status": "APPROVED"}), json!([])] {
        assert!(matches!(read(bad), Err(CallbackRefused::Malformed(_))));
    }
}

#[test]
fn a_webhook_may_echo_our_id_as_an_object_a_list_or_not_at_all() {
    let id = ProcessId(uuid_of(&["x"]));
    let echoed = |custom: Value| {
        let body = json!({"code": "C", "status": "APPROVED", "custom": custom});
        let body = body.to_string();
        auco(json!({})).read_callback(&IncomingCallback::webhook(&HeaderMap::new(), body.as_bytes())).unwrap().process
    };
    assert_eq!(echoed(json!({"cotejo_id": id.to_string(), "reference": "RF"})), Some(id));
    assert_eq!(echoed(json!([{"reference": "RF"}, {"cotejo_id": id.to_string()}])), Some(id));
    for other in [json!({}), json!([]), Value::Null, json!("text"), json!({"cotejo_id": "not-an-id"})] {
        assert_eq!(echoed(other), None);
    }
}

#[test]
fn where_a_static_header_is_configured_a_webhook_must_carry_it() {
    let auco = auco(json!({"webhook_header": {"name": "X-Auco-Key", "value": "s3cret"}}));
    let body = br#"{"code": "C", "status": "APPROVED"}"#;
    let with = |value: Option<&str>| {
        let headers = value.map(|value| ("x-auco-key".parse().unwrap(), value.parse().unwrap()));
        auco.read_callback(&IncomingCallback::webhook(&headers.into_iter().collect(), body)).map(|_| ())
    };
    assert_eq!(with(Some("s3cret")), Ok(()));
    for wrong in [None, Some(""), Some("s3cre"), Some("s3cret2")] {
        assert_eq!(with(wrong), Err(CallbackRefused::Unauthenticated));
    }
}

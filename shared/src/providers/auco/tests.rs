//! Auco's own sample bodies, and the forms its pages leave open.

#![expect(clippy::unwrap_used, reason = "tests")]

use ::http::HeaderMap;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;
use crate::{
    common::ids::uuid_of,
    process::{EvidenceKind, Observation, ProcessId, findings::Outcome},
    providers::{CallbackUrls, Round, token::TokenCache},
};

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
    let (observation, links) = mapping::observation(wire::veriface(answer.as_bytes()).unwrap(), now());
    assert_eq!(observation.media.len(), links.len());
    (observation, links.len())
}

fn changed(answer: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    change(&mut answer);
    answer.to_string()
}

/// Auco where it answers one call with this, and the head and the body of that call.
async fn answering(status: u16, body: &str) -> (Auco, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1.5/ext", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    let asked = tokio::spawn(async move {
        let mut stream = BufStream::new(listener.accept().await.unwrap().0);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "the call breaks off");
            if let Some(value) = head[start..].strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (Auco::new(ApiClient::new(NAME), &url, account(json!({}))), asked)
}

/// What became of a creation that was answered so, and the call.
async fn created(status: u16, body: &str) -> (Result<Submitted, ProviderError>, (String, String)) {
    let (auco, asked) = answering(status, body).await;
    let (request, callbacks) = (request(|_| {}), CallbackUrls::default());
    let (id, round) = (ProcessId(uuid_of(&["x"])), Round::First);
    let submission = Submission { id, round, request: &request, pictures: &[], callbacks: &callbacks, now: now() };
    (auco.submit(&submission).await, asked.await.unwrap())
}

/// The same of a question.
async fn answered(status: u16, body: &str) -> (Result<Answer, ProviderError>, (String, String)) {
    let (auco, asked) = answering(status, body).await;
    (auco.query("VERIFACE_CODE", now()).await, asked.await.unwrap())
}

#[tokio::test]
async fn a_creation_shows_the_private_key_and_brings_the_code() {
    let (created, (head, body)) = created(200, CREATED).await;
    assert!(head.starts_with("POST /v1.5/ext/veriface HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: prk_test\r\n"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), sent(&request(|_| {}), json!({})));
    assert_eq!(created.unwrap().reference, "VERIFACE_CODE");
}

#[tokio::test]
async fn a_query_sends_the_public_key_and_keeps_the_raw_answer() {
    for sample in [APPROVED, IN_PROGRESS, BLOCKED, INVALIDATED] {
        let (answer, (head, body)) = answered(200, sample).await;
        assert!(head.starts_with("GET /v1.5/ext/veriface?code=VERIFACE_CODE HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nauthorization: puk_test\r\n"), "{head}");
        let answer = answer.unwrap();
        assert_eq!((body.as_str(), &answer.raw[..]), ("", sample.as_bytes()));
        assert_eq!(answer.observation, observed(sample).0);
    }
}

#[tokio::test]
async fn the_url_is_the_account_s_then_the_deployment_s_then_production() {
    let connected = |own: Option<&str>, url: Option<&str>| {
        let connection =
            Connection { api: ApiClient::new(NAME), tokens: TokenCache::default(), url: url.map(str::to_owned) };
        let mut account = json!({"public_key": "puk_test", "private_key": "prk_test", "webhook_id": "cotejo"});
        if let Some(own) = own {
            account["url"] = json!(own);
        }
        crate::providers::ProviderFactory::connect(
            &super::Factory,
            &serde_json::from_value(account).unwrap(),
            &connection,
        )
    };
    for of_account in [true, false] {
        let (there, asked) = answering(200, APPROVED).await;
        let url = there.url.trim_end_matches("/veriface");
        let (own, deployment) = if of_account { (Some(url), Some("http://127.0.0.1:1")) } else { (None, Some(url)) };
        connected(own, deployment).unwrap().query("VERIFACE_CODE", now()).await.unwrap();
        asked.await.unwrap();
    }
    assert!(connected(None, None).is_ok());
    assert_eq!(PRODUCTION, "https://api.auco.ai/v1.5/ext");
}

#[tokio::test]
async fn a_refusal_keeps_auco_s_code() {
    for (status, body, code) in
        [(400, REFUSED, "EXPIRED_DATE_INVALID"), (400, r#"{"message": "of Juan"}"#, "http_400"), (400, "", "http_400")]
    {
        let refused = |error| matches!(error, ProviderError::Rejected { code: given, .. } if given == code);
        assert!(refused(created(status, body).await.0.unwrap_err()), "creation: {body}");
        assert!(refused(answered(status, body).await.0.unwrap_err()), "question: {body}");
    }
    let (creation, question) = (created(401, "").await.0, answered(401, "").await.0);
    assert!(matches!(creation.unwrap_err(), ProviderError::Unauthorized { .. }));
    assert!(matches!(question.unwrap_err(), ProviderError::Unauthorized { .. }));
    let no_code = created(200, r#"{"code": "of Juan"}"#).await.0;
    assert!(matches!(no_code.unwrap_err(), ProviderError::Unreadable { .. }));
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
    assert_eq!(sent["platform"], "web");
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
    assert_eq!(wire::created_code(CREATED.as_bytes()).as_deref(), Some("VERIFACE_CODE"));
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
fn every_word_that_is_read_has_its_place() {
    let places = [
        ("documentNumber", "/extracted/document_number"),
        ("fullName", "/extracted/full_name"),
        ("givenNames", "/extracted/names"),
        ("surname", "/extracted/surnames"),
        ("placeOfBirth", "/extracted/birth_place"),
        ("issuingStateName", "/extracted/issuing_state"),
        ("sex", "/extracted/sex"),
        ("documentType", "/document_type"),
        ("bloodGroup", "/extracted/other/bloodGroup"),
        ("height", "/extracted/other/height"),
        ("placeOfIssue", "/extracted/other/placeOfIssue"),
        ("name", "/extracted/other/name"),
    ];
    for (name, place) in places {
        let read = |of_attempt: &str, of_all: Option<&str>| {
            let answer = changed(INVALIDATED, |answer| {
                answer["attempts"][0]["identificationCardData"] = json!({name: of_attempt});
                answer["ocrData"] = of_all.map_or(Value::Null, |value| json!({name: value}));
            });
            let findings = serde_json::to_value(observed(&answer).0.findings).unwrap();
            findings.pointer(place).and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(read("of the attempt", None).as_deref(), Some("of the attempt"), "{name}");
        assert_eq!(read("of the attempt", Some("of all")).as_deref(), Some("of all"), "{name}");
    }
    for (name, place) in [("dateOfBirth", "birth_date"), ("firstIssueDate", "issue_date")] {
        let read = |value: &str| {
            let answer = changed(INVALIDATED, |answer| answer["ocrData"] = json!({name: value}));
            serde_json::to_value(observed(&answer).0.findings.extracted).unwrap()
        };
        assert_eq!(read("02/01/1970")[place], "1970-01-02", "{name}");
        let no_date = read("in spring");
        assert_eq!((&no_date[place], &no_date["other"][name]), (&Value::Null, &json!("in spring")), "{name}");
    }
}

#[test]
fn the_extracted_document_type_precedes_the_requested_one() {
    let kind = |answer: &str| observed(answer).0.findings.document_type;
    assert_eq!(kind(APPROVED).as_deref(), Some("Id Card"));
    assert_eq!(kind(INVALIDATED).as_deref(), Some("CC"), "nothing was read");
    assert_eq!(kind(&changed(INVALIDATED, |answer| answer["identificationType"] = Value::Null)), None);
}

#[test]
fn of_several_attempts_each_is_kept_and_the_last_one_counts() {
    let several = changed(BLOCKED, |answer| {
        let mut first = answer["attempts"][0].clone();
        first["date"] = json!("2025-05-29T16:00:00.000Z");
        first["similarity"] = json!(12.5);
        first["identificationCardData"]["fullName"] = json!("of the first");
        first["errorMessages"] = json!([{"key": "ID_FRONT", "error": "error_of_the_first"}]);
        answer["attempts"].as_array_mut().unwrap().insert(0, first);
    });
    let (observation, pictures) = observed(&several);
    let last = observed(BLOCKED).0;
    assert_eq!((pictures, observation.media.last().map(|media| media.attempt)), (4, Some(2)));
    assert_eq!((&observation.findings.face, &observation.reason), (&last.findings.face, &last.reason));
    assert_eq!(observation.findings.extracted, last.findings.extracted);
    let checks: Vec<_> = observation
        .findings
        .checks
        .iter()
        .map(|check| (check.name.as_str(), check.detail.as_deref().unwrap_or_default()))
        .collect();
    let expected = [
        ("attempt", "attempt 1"),
        ("document_front", "attempt 1"),
        ("attempt", "attempt 2"),
        ("document_back", "attempt 2"),
    ];
    assert_eq!(checks, expected);
}

#[test]
fn every_error_is_a_check_of_the_picture_it_is_about() {
    for (message, name, code) in [
        (json!({"key": "ID_FRONT", "error": "error_x"}), "document_front", Some("error_x")),
        (json!({"key": "ID_BACK", "error": "error_x"}), "document_back", Some("error_x")),
        (json!({"key": "PHOTO", "error": "error_x"}), "selfie", Some("error_x")),
        (json!({"key": "face", "error": "ERROR_X"}), "selfie", Some("ERROR_X")),
        (json!({"key": "SOMETHING_NEW", "error": "error_x"}), "attempt_error", Some("error_x")),
        (json!({"key": "ID_BACK"}), "document_back", Some("ID_BACK")),
        (json!({"error": "the name Juan was read"}), "attempt_error", Some("not_a_code")),
        (json!({}), "attempt_error", None),
    ] {
        let answer = changed(BLOCKED, |answer| answer["attempts"][0]["errorMessages"] = json!([message]));
        let observation = observed(&answer).0;
        let [_, check] = observation.findings.checks.as_slice() else { panic!("two checks for {message}") };
        let expected = (name, Outcome::Failed, code);
        assert_eq!((check.name.as_str(), check.outcome, check.provider_code.as_deref()), expected, "{message}");
    }
}

#[test]
fn repeated_request_data_and_names_of_auco_staff_are_not_read() {
    for field in [
        "email",
        "createdAt",
        "platform",
        "emailValidated",
        "name",
        "userEmail",
        "phone",
        "country",
        "identificationNumber",
        "custom",
    ] {
        for other in [Value::Null, json!("something else"), json!({"x": 1})] {
            let answer = changed(BLOCKED, |answer| answer[field] = other.clone());
            assert_eq!(observed(&answer), observed(BLOCKED), "{field} {other}");
        }
    }
}

#[test]
fn every_state_of_the_seed_is_mapped_and_unknown_ones_are_open() {
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
    assert_eq!((observation.status, pictures, observation.unread.len()), (Status::Approved, 3, 0));
    assert_eq!(observation.findings.face.and_then(|face| face.similarity), Some(91.0));
    assert_eq!(observation.media[0].captured_at, Some("2025-05-29T17:16:51Z".parse().unwrap()));
    let without_attempts = changed(APPROVED, |answer| answer["attempts"] = json!({}));
    assert_eq!(observed(&without_attempts).1, 0);
}

#[test]
fn an_odd_attempt_costs_nothing_but_itself() {
    let three = |odd: Value| {
        changed(BLOCKED, |answer| {
            let good = answer["attempts"][0].clone();
            answer["attempts"] = json!([odd, good, odd]);
        })
    };
    for odd in [Value::Null, json!("an attempt"), json!(7), json!(true)] {
        let (observation, pictures) = observed(&three(odd.clone()));
        assert_eq!((observation.status, pictures, observation.media[0].attempt), (Status::InReview, 2, 2), "{odd}");
        assert_eq!(observation.unread, ["/attempts/*"], "{odd}");
        assert_eq!(observation.reason.as_deref(), Some("error_identification_not_document"), "{odd}");
        assert_eq!(observation.findings.face, observed(BLOCKED).0.findings.face, "{odd}");
        let outcomes: Vec<_> = observation.findings.checks.iter().map(|check| check.outcome).collect();
        assert_eq!(outcomes, [Outcome::Unknown, Outcome::Failed, Outcome::Failed, Outcome::Unknown], "{odd}");
    }
}

#[test]
fn every_part_of_an_attempt_is_read_by_itself() {
    for (part, odd, place) in [
        ("identificationCardFront", json!("in process"), "/attempts/*/identificationCardFront/*"),
        ("identificationCardBack", json!({"url": "https://x.example"}), "/attempts/*/identificationCardBack/*"),
        ("photo", json!(["https://x.example/1", null]), "/attempts/*/photo/*"),
        ("similarity", json!("high"), "/attempts/*/similarity"),
        ("similarity", json!(9131), "/attempts/*/similarity"),
        ("identificationCardData", json!("JUAN"), "/attempts/*/identificationCardData"),
        ("identificationCardData", json!({"fullName": {"first": "JUAN"}}), "/attempts/*/identificationCardData/*"),
        ("date", json!("yesterday"), "/attempts/*/date"),
        ("successfull", json!("perhaps"), "/attempts/*/successfull"),
        ("successful", json!(false), "/attempts/*/successfull"),
        ("errorMessages", json!([null]), "/attempts/*/errorMessages/*"),
        ("errorMessages", json!([{"key": {}, "error": ["a", "b"]}]), "/attempts/*/errorMessages/*/error"),
        ("crop of Juan", json!("https://x.example/crop"), "/attempts/*/*"),
    ] {
        let odd = changed(APPROVED, |answer| answer["attempts"][0][part] = odd.clone());
        let (observation, pictures) = observed(&odd);
        assert_eq!((observation.status, &observation.unread[..]), (Status::Approved, &[place.to_owned()][..]), "{odd}");
        assert!(pictures >= 2, "{odd}");
        assert!(observation.findings.checks[0].name == "attempt", "{odd}");
    }
    let of_all = observed(&changed(APPROVED, |answer| answer["ocrData"]["height"] = json!(175))).0;
    assert_eq!(of_all.findings.extracted.other["height"].expose(), "175");
}

#[test]
fn repeated_names_and_damaged_characters_lose_nothing_else() {
    let twice = APPROVED.replace("\"successfull\": true", "\"successfull\": true, \"successful\": true");
    assert_ne!(twice, APPROVED);
    assert_eq!(observed(&twice), observed(APPROVED));
    let lists = APPROVED.replace("\"ocrData\"", "\"attempts\": [{\"photo\": \"https://x.example/1\"}], \"ocrData\"");
    assert_eq!(observed(&lists).1, 4);
    let states = APPROVED.replace("\"platform\"", "\"status\": \"INVALIDATED\", \"platform\"");
    let (observation, pictures) = observed(&states);
    assert_eq!((observation.status, pictures), (Status::InProgress, 3));
    assert_eq!(observation.unread, ["/status"]);
    let damaged = APPROVED.replace("BOGOTÁ\"", "BOGOT\\ud83d\"");
    assert_ne!(damaged, APPROVED);
    let (observation, pictures) = observed(&damaged);
    assert_eq!(
        (observation.status, pictures, &observation.unread[..]),
        (Status::Approved, 3, &["/characters".to_owned()][..])
    );
    for no_answer in ["", "[]", "{}", "\"APPROVED\"", "<html>", r#"{"status": null}"#] {
        assert!(wire::veriface(no_answer.as_bytes()).is_none(), "{no_answer}");
    }
}

#[test]
fn attempts_of_one_moment_are_told_apart_by_their_place() {
    let attempts = |count: usize, later: bool| {
        let answer = changed(APPROVED, |answer| {
            let attempt = answer["attempts"][0].clone();
            answer["attempts"] = vec![attempt; count].into();
            if later {
                let mut attempt = answer["attempts"][0].clone();
                attempt["date"] = json!("2026-01-01T00:00:00Z");
                answer["attempts"].as_array_mut().unwrap().push(attempt);
            }
        });
        observed(&answer).0.media.into_iter().map(|media| media.source).collect::<Vec<_>>()
    };
    let six = attempts(2, false);
    assert_eq!(six.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
    assert_eq!(six[3], "2025-05-29T17:16:51.839Z#2/document_front");
    // What is known keeps its identity when others come behind it.
    assert_eq!(attempts(1, false), six[..3]);
    assert_eq!(attempts(2, true)[..6], six);
    assert_eq!(attempts(3, false)[..6], six);
}

#[test]
fn a_picture_keeps_its_identity_when_its_link_changes() {
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
            verdict.map(|s| (s, REVIEW_TIMEOUT))
        );
    }
    for bad in [json!({}), json!({"code": "x"}), json!({"code": {"x": 1}, "status": "APPROVED"}), json!([])] {
        assert!(matches!(read(bad), Err(CallbackRefused::Malformed(_))));
    }
}

#[test]
fn the_reason_of_a_decision_is_a_code_or_else_evidence() {
    let auco = auco(json!({}));
    let read = |status: &str, message: Value| {
        let body = json!({"code": "C", "status": status, "message": message}).to_string();
        let callback = auco.read_callback(&IncomingCallback::webhook(&HeaderMap::new(), body.as_bytes())).unwrap();
        (callback.verdict.and_then(|verdict| verdict.reason), callback.is_evidence)
    };
    let reason = Some("error_face_not_match".to_owned());
    assert_eq!(read("INVALIDATED", json!("ERROR_FACE_NOT_MATCH")), (reason.clone(), false));
    assert_eq!(read("VALIDATED", json!(" ERROR_FACE_NOT_MATCH ")), (reason, false));
    for words in ["Juan no es Pedro", "JUAN", "1001001010", "juan_perez", "La foto_es_falsa"] {
        assert_eq!(read("INVALIDATED", json!(words)), (None, true), "{words}");
        assert_eq!(read("APPROVED", json!(words)), (None, false), "{words}");
    }
    for nothing in [Value::Null, json!(""), json!({"a": 1})] {
        assert_eq!(read("INVALIDATED", nothing), (None, false));
    }
}

#[test]
fn an_unreadable_webhook_may_still_name_its_process() {
    let (auco, id) = (auco(json!({})), ProcessId(uuid_of(&["x"])));
    let mentions = |body: &str| auco.mentions(body.as_bytes());
    let both = mentions(&format!("{{\"code\": \"ABCD\" \"custom\": {{\"cotejo_id\": \"{id}\"}}}}"));
    assert_eq!((both.processes, both.references), (vec![id], vec!["ABCD".to_owned()]));
    assert_eq!(mentions("<html>"), Mentions::default());
}

#[test]
fn a_webhook_may_echo_our_id_in_several_forms() {
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

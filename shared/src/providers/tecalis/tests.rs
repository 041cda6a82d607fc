//! Tecalis's own sample bodies, and the forms its pages leave open.

#![expect(clippy::unwrap_used, reason = "tests")]

use ::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    common::ids::uuid_of,
    platform::{Config, secrets::Account},
    process::{EvidenceKind, Observation, ProcessId, findings::Outcome},
    providers::{NoProvider, PROVIDERS, Providers},
};

const CUSTOMER: &str = include_str!("fixtures/000_ed50bf7531232d3b.customer.json");
const UNAUTHORIZED: &str = include_str!("fixtures/000_ed50bf7531232d3b.unauthorized.json");
const AUTHORIZATION: &str = "019cbdb7-58b4-712f-886f-341bc0e39c51";

fn tecalis() -> Tecalis {
    let account = serde_json::from_value(json!({"api_key": "key"})).unwrap();
    Tecalis::new(ApiClient::new(NAME), "https://tecalis.example/api/", account)
}

fn request(change: impl FnOnce(&mut Value)) -> ProcessRequest {
    let mut request = json!({
        "provider": "tecalis",
        "person": {"name": "Alberto García López"},
        "document": {"country": "ES", "type": "DNI", "number": "12345678Z"},
        "options": {"auth_uuid": AUTHORIZATION},
    });
    change(&mut request);
    serde_json::from_value(request).unwrap()
}

fn problems(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let problems = tecalis().check(&request(change), Timestamp::UNIX_EPOCH);
    problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect()
}

fn sample() -> Value {
    serde_json::from_str(CUSTOMER).unwrap()
}

fn read(answer: &str) -> Result<wire::Customer, ProviderError> {
    customer(AUTHORIZATION, &ApiAnswer { body: Bytes::copy_from_slice(answer.as_bytes()) })
}

fn observed(answer: &Value) -> Observation {
    let (observation, links) = mapping::observation(read(&answer.to_string()).unwrap(), Timestamp::UNIX_EPOCH);
    let sources = observation.media.iter().map(|media| &media.source);
    assert!(sources.eq(links.iter().map(|link| &link.source)));
    observation
}

fn changed(change: impl FnOnce(&mut Value)) -> Observation {
    let mut answer = sample();
    change(&mut answer);
    observed(&answer)
}

fn sources(observation: &Observation) -> Vec<&str> {
    observation.media.iter().map(|media| media.source.as_str()).collect()
}

fn outcome(observation: &Observation, name: &str) -> Option<Outcome> {
    observation.findings.checks.iter().find(|check| check.name == name).map(|check| check.outcome)
}

/// The sample's operations as other pages of Tecalis show theirs.
fn as_list(answer: &mut Value, field: &str) {
    let Value::Object(map) = answer["operations"].take() else { panic!("a map") };
    let item = |(name, mut operation): (String, Value)| {
        operation[field] = json!(name);
        operation
    };
    answer["operations"] = map.into_iter().map(item).collect();
}

#[test]
fn the_authorization_is_the_only_option() {
    assert_eq!(problems(|_| {}), Vec::<String>::new());
    assert_eq!(problems(|r| r["expires_at"] = json!("2026-12-01T00:00:00Z")), Vec::<String>::new());
    assert_eq!(problems(|r| r["options"] = Value::Null), ["options must be an object"]);
    assert_eq!(problems(|r| r["options"] = json!({})), ["options.auth_uuid is required"]);
    assert_eq!(problems(|r| r["options"]["auth_uuid"] = json!("019cbdb7")), ["options.auth_uuid must be a UUID"]);
    assert_eq!(problems(|r| r["options"]["api_key"] = json!("x")), ["options.api_key is not a known field"]);
    assert_eq!(problems(|r| r["person"]["email"] = json!("a@b")), ["person.email must be an e-mail address"]);
    assert_eq!(
        problems(|r| r["person"]["phone"] = json!("600")),
        ["person.phone must be a phone number: +, country code, number"]
    );
}

#[test]
fn one_authorization_is_one_reference_however_it_is_spelled() {
    let spelled = |text: String| options::authorization(&request(|r| r["options"]["auth_uuid"] = json!(text)));
    assert_eq!(spelled(AUTHORIZATION.to_uppercase()).as_deref(), Some(AUTHORIZATION));
    assert_eq!(spelled(AUTHORIZATION.replace('-', "")).as_deref(), Some(AUTHORIZATION));
}

#[test]
fn the_question_is_the_seed_s() {
    let question = wire::Question { auth_uuid: "UUID", api_key: "API_KEY" };
    assert_eq!(serde_json::to_value(question).unwrap(), json!({"auth_uuid": "UUID", "api_key": "API_KEY"}));
    let url = reqwest::Url::parse(&format!("{}{EVERYTHING}", tecalis().url)).unwrap();
    assert_eq!(url.as_str(), "https://tecalis.example/api/customer?data=antifraud,images,video,identity");
}

#[test]
fn the_sample_is_an_approval_with_everything_it_says() {
    let observation = observed(&sample());
    assert_eq!((observation.status, observation.reason.as_deref()), (Status::Approved, None));
    insta::assert_json_snapshot!(observation.findings);
}

#[test]
fn every_field_of_an_operation_and_session_is_mapped() {
    for (path, place) in [
        ("/operations/OCR/address", "/extracted/address"),
        ("/operations/OCR/country", "/extracted/issuing_state"),
        ("/operations/OCR/gender", "/extracted/sex"),
        ("/operations/OCR/identifier", "/extracted/document_number"),
        ("/operations/OCR/mrz1", "/extracted/mrz/0"),
        ("/operations/OCR/mrz2", "/extracted/mrz/1"),
        ("/operations/OCR/mrz3", "/extracted/mrz/2"),
        ("/operations/OCR/names", "/extracted/names"),
        ("/operations/OCR/nationality", "/extracted/nationality"),
        ("/operations/OCR/place_of_birth", "/extracted/birth_place"),
        ("/operations/OCR/surnames", "/extracted/surnames"),
        ("/operations/OCR/document_type", "/document_type"),
        ("/operations/OCR/ip", "/extracted/other/ip"),
        ("/operations/OCR/country_place_of_birth", "/extracted/other/country_place_of_birth"),
        ("/operations/OCR/first_surnames", "/extracted/other/first_surnames"),
        ("/operations/OCR/municipality", "/extracted/other/municipality"),
        ("/operations/OCR/parents_names", "/extracted/other/parents_names"),
        ("/operations/OCR/province", "/extracted/other/province"),
        ("/operations/OCR/second_surnames", "/extracted/other/second_surnames"),
        ("/operations/OCR/support_number", "/extracted/other/support_number"),
        ("/operations/OCR/team_number", "/extracted/other/team_number"),
        ("/operations/OCR/aml", "/extracted/other/aml"),
        ("/operations/OCR/pep", "/extracted/other/pep"),
        ("/operations/POL/low_age", "/extracted/other/low_age"),
        ("/operations/POL/high_age", "/extracted/other/high_age"),
        ("/operations/POL/ip", "/extracted/other/POL.ip"),
        ("/general/location/0/lat", "/extracted/other/location.1.lat"),
        ("/general/location/0/lon", "/extracted/other/location.1.lon"),
        ("/general/devices/0/user_agent", "/extracted/other/devices.1.user_agent"),
    ] {
        let observation = changed(|answer| *answer.pointer_mut(path).unwrap() = json!("only here"));
        let findings = serde_json::to_value(observation.findings).unwrap();
        assert_eq!(findings.pointer(place), Some(&json!("only here")), "{path}");
    }
    for (name, place) in [("birthdate", "birth_date"), ("expiration_date", "expiry_date")] {
        let observation = changed(|answer| answer["operations"]["OCR"][name] = json!("1970-01-02 23:59:59"));
        let extracted = serde_json::to_value(observation.findings.extracted).unwrap();
        assert_eq!(extracted[place], "1970-01-02", "{name}");
    }
}

#[test]
fn the_summary_completes_the_reading_and_differences_are_kept() {
    for (name, read_as, place, beside) in [
        ("identifier", "identifier", "/extracted/document_number", Some("identity.identifier")),
        ("names", "names", "/extracted/names", Some("identity.names")),
        ("surnames", "surnames", "/extracted/surnames", Some("identity.surnames")),
        ("nationality", "nationality", "/extracted/nationality", Some("identity.nationality")),
        ("gender", "gender", "/extracted/sex", Some("identity.gender")),
        ("birthdate", "birthdate", "/extracted/birth_date", Some("identity.birthdate")),
        ("expiration_date", "expiration_date", "/extracted/expiry_date", Some("identity.expiration_date")),
        ("country_code", "country", "/extracted/issuing_state", Some("identity.country")),
        ("document_type", "document_type", "/document_type", None),
    ] {
        let summary = if name.ends_with("date") { "1970-01-02" } else { "of the summary" };
        let findings = |reading: Value| {
            let observation = changed(|answer| {
                answer["identity"][name] = json!(summary);
                answer["operations"]["OCR"][read_as] = reading;
            });
            serde_json::to_value(observation.findings).unwrap()
        };
        assert_eq!(findings(Value::Null).pointer(place), Some(&json!(summary)), "{name} alone");
        let reading = sample()["operations"]["OCR"][read_as].as_str().unwrap().to_owned();
        let both = findings(json!(reading));
        let (day, _) = reading.split_once(" 10:01").unwrap_or((&reading, ""));
        assert_eq!(both.pointer(place), Some(&json!(day)), "{name} of both");
        let kept = both["extracted"]["other"].as_object().unwrap();
        let found: Vec<_> = kept.iter().filter(|(_, value)| **value == summary).map(|(at, _)| at.as_str()).collect();
        assert_eq!(found, beside.into_iter().collect::<Vec<_>>(), "{name} beside");
    }
}

#[test]
fn what_is_about_the_session_alone_is_not_read() {
    for path in [
        "/general/company",
        "/general/metadata",
        "/process_uuid",
        "/process_details",
        "/identity/uuid",
        "/operations/OCR/total_time",
        "/operations/OCR/total_tries",
        "/operations/OCR/start_at",
        "/operations/OCR/start_side",
        "/operations/POL/total_time",
        "/operations/POL/total_tries",
        "/operations/POL/start_at",
        "/operations/POL/details",
        "/operations/POL/type",
    ] {
        for other in [Value::Null, json!("something else"), json!(7), json!({"x": "y"})] {
            let observation = changed(|answer| *answer.pointer_mut(path).unwrap() = other.clone());
            assert_eq!(observation, observed(&sample()), "{path} {other}");
        }
    }
}

#[test]
fn every_picture_of_the_sample_is_listed_and_so_is_the_video() {
    let observation = observed(&sample());
    use EvidenceKind::{DocumentBack, DocumentFront, Frame, Selfie, Video};
    let kinds: Vec<_> = observation.media.iter().map(|media| media.kind).collect();
    assert_eq!(kinds, [DocumentBack, DocumentFront, Frame, Frame, Selfie, Frame, Frame, Video]);
    assert_eq!(sources(&observation)[3], "019cbdb7-5a05-709b-bba5-055864340dfd/temporary/2");
    assert_eq!(observation.media[4].captured_at, Some("2026-03-12T10:00:00Z".parse().unwrap()));
}

#[test]
fn every_state_of_a_process_is_mapped_and_unknown_ones_are_open() {
    for (code, status) in [
        ("OK", Status::Approved),
        ("KO", Status::Rejected),
        ("CANCELLED", Status::Cancelled),
        (" ok ", Status::Approved),
        ("NOT_STARTED", Status::InProgress),
        ("SOMETHING_NEW", Status::InProgress),
        ("", Status::InProgress),
    ] {
        assert_eq!(changed(|answer| answer["process_status"] = json!(code)).status, status, "{code}");
    }
    assert_eq!(changed(|answer| answer["process_status"] = Value::Null).status, Status::InProgress);
}

#[test]
fn every_antifraud_test_and_operation_is_a_check_by_its_value() {
    let names: Vec<(String, String)> = ["OCR", "POL"]
        .iter()
        .flat_map(|operation| {
            let tests = sample()["operations"][operation]["antifraud"].as_object().unwrap().clone();
            tests.into_iter().map(|(test, _)| ((*operation).to_owned(), test))
        })
        .collect();
    assert_eq!(names.len(), 16);
    for (operation, test) in names {
        for (value, outcome, code) in [
            (json!("OK"), Outcome::Passed, Some("OK")),
            (json!("ko"), Outcome::Failed, Some("ko")),
            (json!("REVIEW"), Outcome::Warning, Some("REVIEW")),
            (json!("name ALBERTO is listed"), Outcome::Warning, None),
            (Value::Null, Outcome::Warning, None),
        ] {
            let observation = changed(|answer| answer["operations"][&operation]["antifraud"][&test] = value.clone());
            let checks = &observation.findings.checks;
            let detail = operation.to_lowercase();
            let check = checks.iter().find(|c| c.name == test.to_lowercase() && c.detail.as_ref() == Some(&detail));
            let check = check.unwrap();
            assert_eq!((check.outcome, check.provider_code.as_deref()), (outcome, code), "{test} {value}");
        }
    }
    for (state, expected) in [
        ("OK", Outcome::Passed),
        ("KO", Outcome::Failed),
        ("NOT_STARTED", Outcome::Unknown),
        ("STARTED", Outcome::Unknown),
    ] {
        let observation = changed(|answer| answer["operations"]["POL"]["state"] = json!(state));
        assert_eq!(outcome(&observation, "pol"), Some(expected), "{state}");
        let face = observation.findings.face.unwrap();
        assert_eq!((face.similarity, face.liveness), (None, Some(expected)), "{state}");
    }
}

#[test]
fn a_rejection_says_which_test_failed_else_which_operation() {
    let rejected = |change: fn(&mut Value)| {
        changed(|answer| {
            answer["process_status"] = json!("KO");
            answer["operations"]["OCR"]["state"] = json!("KO");
            change(answer);
        })
        .reason
    };
    assert_eq!(
        rejected(|answer| answer["operations"]["POL"]["antifraud"]["FRAUD_FACE_BLOCK"] = json!("KO")).as_deref(),
        Some("fraud_face_block")
    );
    assert_eq!(rejected(|_| {}).as_deref(), Some("ocr"));
    // Somebody decided against what the checks say.
    assert_eq!(rejected(|answer| answer["operations"]["OCR"]["state"] = json!("OK")), None);
    // A failed test that did not decide is no reason.
    let approved = changed(|answer| answer["operations"]["OCR"]["antifraud"]["PHOTOCOPY"] = json!("KO"));
    assert_eq!((approved.status, approved.reason), (Status::Approved, None));
}

#[test]
fn operations_may_be_a_list_under_any_sensible_name() {
    let expected = observed(&sample());
    for field in ["operation", "operation_name", "name"] {
        assert_eq!(changed(|answer| as_list(answer, field)), expected, "{field}");
    }
    // `type` is taken by the proof of life for something else.
    let by_type = changed(|answer| as_list(answer, "type"));
    assert_eq!(by_type, expected);
    // Some pages have the operation's id where its name should be.
    let with_id = changed(|answer| {
        as_list(answer, "type");
        for operation in answer["operations"].as_array_mut().unwrap() {
            operation["operation"] = operation["uuid"].clone();
        }
    });
    assert_eq!(with_id, expected);
    let by_id = changed(|answer| {
        as_list(answer, "type");
        let operations = answer["operations"].as_array().unwrap().clone();
        let entry = |operation: Value| (operation["uuid"].as_str().unwrap().to_owned(), operation);
        answer["operations"] = Value::Object(operations.into_iter().map(entry).collect());
    });
    assert_eq!(by_id.findings.face, expected.findings.face);
    let further = changed(|answer| answer["operations"] = json!([{"operation": "HOME", "state": "NOT_STARTED"}]));
    assert_eq!(outcome(&further, "home"), Some(Outcome::Unknown));
}

#[test]
fn an_operation_without_a_name_keeps_all_but_that() {
    let unnamed = changed(|answer| {
        answer["process_status"] = json!("KO");
        answer["operations"] = json!([{
            "operation": "019cbdb7-5a25-7004-818d-dbba19104d1e", "type": "random", "name": "ALBERTO", "state": "KO",
            "images": {"selfie": ["https://x.example/1"]},
        }]);
    });
    assert_eq!((outcome(&unnamed, "operation"), unnamed.reason.as_deref()), (Some(Outcome::Failed), Some("operation")));
    assert_eq!(sources(&unnamed), ["019cbdb7-5a25-7004-818d-dbba19104d1e/selfie/1", "video"]);
    assert_eq!(unnamed.unread, ["/operations/*"]);
}

#[test]
fn an_odd_element_costs_nothing_but_itself() {
    for (path, odd, place, pictures) in [
        (
            "/operations/OCR/images/temporary",
            json!(["in process", "https://x.example/2"]),
            "/operations/*/images/*/*",
            7,
        ),
        ("/operations/OCR/images/temporary", json!([null, {"url": "x"}]), "/operations/*/images/*/*", 6),
        ("/operations/POL/images", json!("https://x.example/1"), "", 6),
        (
            "/operations/POL/images",
            json!([{"selfie": ["https://x.example/1"]}, {"temporary": "https://x.example/2"}]),
            "",
            7,
        ),
        (
            "/operations/POL/images",
            json!(["https://x.example/1", "https://x.example/2", 3]),
            "/operations/*/images/*",
            7,
        ),
        ("/operations/POL", json!("OK"), "/operations/*", 5),
        ("/operations/POL/completed", json!("true"), "", 8),
        ("/operations/POL/completed", json!("soon"), "/operations/*/completed", 8),
        ("/operations/POL/state", json!({"is": "OK"}), "/operations/*/state", 8),
        ("/operations/POL/end_at", json!("at noon"), "/operations/*/end_at", 8),
        ("/operations/OCR/antifraud", json!("OK"), "/operations/*/antifraud", 8),
        ("/operations/OCR/antifraud/AML", json!({"is": "OK"}), "/operations/*/antifraud/*", 8),
        ("/operations/OCR/names", json!({"first": "ALBERTO"}), "/operations/*/*", 8),
        ("/operations/OCR/names", json!("https://x.example/name.jpg"), "/operations/*/*", 8),
        ("/identity", json!("12345678Z"), "/identity", 8),
        ("/identity/names", json!(["ALBERTO", "JOSE"]), "/identity/*", 8),
        ("/general/location", json!({"lat": 40.4, "lon": -3.7}), "", 8),
        ("/general/devices", json!("Mozilla"), "/general/devices/*", 8),
        ("/general/video", json!("none"), "/general/video/*", 7),
        ("/general/video", json!(["https://x.example/1", "https://x.example/2"]), "", 9),
    ] {
        let observation = changed(|answer| *answer.pointer_mut(path).unwrap() = odd.clone());
        assert_eq!((observation.status, observation.media.len()), (Status::Approved, pictures), "{path} {odd}");
        assert_eq!(observation.unread.join(" "), place, "{path} {odd}");
        assert!(outcome(&observation, "ocr") == Some(Outcome::Passed), "{path} {odd}");
    }
}

#[test]
fn no_two_pictures_have_one_identity() {
    let twice = changed(|answer| {
        as_list(answer, "type");
        let operations = answer["operations"].as_array_mut().unwrap();
        operations.push(operations[0].clone());
        for operation in operations.iter_mut() {
            operation.as_object_mut().unwrap().remove("uuid");
        }
        operations[0]["images"]["of Juan"] = json!("https://x.example/1");
        operations[0]["images"]["Juan's"] = json!("https://x.example/2");
    });
    let mut sources = sources(&twice);
    assert_eq!(sources.len(), 8 + 4 + 2);
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), 14);
    assert!(sources.contains(&"OCR/temporary/1") && sources.contains(&"OCR#2/temporary/1"), "{sources:?}");
    assert!(sources.iter().all(|source| !source.contains("Juan")), "{sources:?}");
}

#[test]
fn every_operation_that_is_documented_is_known_wherever_its_name_stands() {
    for name in ["HOME", "DOCUMENTS", "OCR", "POL", "FINISH"] {
        let (check, state) = (name.to_lowercase(), json!({"state": "KO"}));
        let as_map = changed(|answer| answer["operations"] = json!({name: state}));
        assert_eq!(outcome(&as_map, &check), Some(Outcome::Failed), "{name}");
        for field in ["operation", "operation_name", "name", "type"] {
            let as_list = changed(|answer| answer["operations"] = json!([{field: name, "state": "KO"}]));
            assert_eq!(outcome(&as_list, &check), Some(Outcome::Failed), "{name} in {field}");
        }
    }
}

#[test]
fn sections_may_be_missing_empty_or_of_another_form() {
    for odd in [Value::Null, json!([]), json!({}), json!("x"), json!(1)] {
        let observation = changed(|answer| {
            for section in ["general", "operations", "identity"] {
                answer[section] = odd.clone();
            }
        });
        assert_eq!((observation.status, observation.media.len()), (Status::Approved, 0), "{odd}");
        for section in ["antifraud", "images"] {
            let observation = changed(|answer| answer["operations"]["OCR"][section] = odd.clone());
            assert_eq!(observation.status, Status::Approved);
            assert_eq!(outcome(&observation, "ocr"), Some(Outcome::Passed));
        }
    }
    let bare = observed(&json!({"process_status": "NOT_STARTED"}));
    assert_eq!((bare.status, bare.findings.face), (Status::InProgress, None));
    for no_answer in ["{}", "[]", "\"OK\"", "<html>"] {
        assert!(matches!(read(no_answer), Err(ProviderError::Unreadable { .. })), "{no_answer}");
    }
}

#[test]
fn a_refusal_and_another_authorization_are_recognized() {
    assert_eq!(wire::refusal_code(UNAUTHORIZED.as_bytes()).as_deref(), Some("401"));
    assert!(matches!(read(UNAUTHORIZED), Err(ProviderError::Unauthorized { .. })));
    let other = read(r#"{"internal_code": "AUTH_EXPIRED", "message": "m"}"#);
    assert!(matches!(other, Err(ProviderError::Rejected { code, .. }) if code == "AUTH_EXPIRED"));
    assert_eq!(wire::refusal_code(br#"{"message": "m"}"#), None);
    let mut answer = sample();
    answer["general"]["auth"] = json!(AUTHORIZATION.to_uppercase());
    assert!(read(&answer.to_string()).is_ok());
    answer["general"]["auth"] = json!(uuid_of(&["x"]));
    assert!(matches!(read(&answer.to_string()), Err(ProviderError::Unreadable { .. })));
}

#[test]
fn a_picture_keeps_its_identity_when_its_whole_link_changes() {
    let again = changed(|answer| {
        for operation in ["OCR", "POL"] {
            let images = answer["operations"][operation]["images"].as_object_mut().unwrap();
            for links in images.values_mut().flat_map(|links| links.as_array_mut().unwrap()) {
                *links = json!(format!("https://other.example/{}", uuid_of(&[links.as_str().unwrap()])));
            }
        }
    });
    assert_eq!(sources(&again), sources(&observed(&sample())));
    let single = changed(|answer| {
        answer["operations"]["POL"]["images"] =
            json!({"selfie": "https://x.example/1", "infrared": ["", 1, "https://x.example/2"]});
    });
    assert_eq!(
        single.media.iter().map(|media| media.kind).collect::<Vec<_>>()[4..],
        [EvidenceKind::Other, EvidenceKind::Selfie, EvidenceKind::Video]
    );
}

#[test]
fn pictures_wait_for_the_end_of_their_operation() {
    let unfinished = |status: &str| {
        changed(|answer| {
            answer["process_status"] = json!(status);
            answer["operations"]["OCR"]["completed"] = json!(false);
            answer["operations"]["OCR"]["state"] = json!("STARTED");
        })
        .media
        .len()
    };
    assert_eq!((unfinished("STARTED"), unfinished("CANCELLED")), (3, 8));
}

#[test]
fn only_dates_are_dates_and_what_differs_is_kept_beside() {
    let observation = changed(|answer| {
        answer["operations"]["OCR"]["birthdate"] = json!("22/11/1988");
        answer["operations"]["OCR"]["expiration_date"] = json!("2032-05-15");
        answer["identity"]["birthdate"] = json!("1988-11-22");
        answer["identity"]["names"] = json!("ALBERTO JOSE");
        answer["operations"]["OCR"]["portrait"] = json!("https://storage.provider.com/secret");
    });
    let extracted = serde_json::to_value(observation.findings.extracted).unwrap();
    assert_eq!(extracted["birth_date"], "1988-11-22");
    assert_eq!(extracted["expiry_date"], "2032-05-15");
    let other = &extracted["other"];
    assert_eq!((&other["birthdate"], &other["identity.birthdate"]), (&json!("22/11/1988"), &Value::Null));
    assert_eq!(other["identity.names"], "ALBERTO JOSE");
    assert_eq!(other["portrait"], Value::Null);
}

#[test]
fn a_callback_is_a_hint_if_it_names_the_authorization() {
    let read_bytes = |body: &[u8]| tecalis().read_callback(&IncomingCallback::webhook(&HeaderMap::new(), body));
    let read = |body: &Value| read_bytes(body.to_string().as_bytes());
    let id = ProcessId(uuid_of(&["x"]));
    for body in [
        json!({"auth_uuid": AUTHORIZATION}),
        json!({"auth": AUTHORIZATION.to_uppercase(), "status": "OK"}),
        json!({"general": {"auth": AUTHORIZATION, "metadata": []}, "process_status": "KO"}),
        sample(),
    ] {
        let callback = read(&body).unwrap();
        assert_eq!((callback.reference.as_str(), callback.process, callback.verdict), (AUTHORIZATION, None, None));
    }
    let echoed =
        json!({"auth": AUTHORIZATION, "metadata": {"cotejo_id": id.to_string()}, "state": "the person gave up"});
    let echoed = read(&echoed).unwrap();
    assert_eq!((echoed.process, echoed.code.as_str()), (Some(id), "unspecified"));
    for bad in [json!({}), json!([]), json!({"auth": "x"}), json!({"metadata": {"cotejo_id": id.to_string()}})] {
        assert!(matches!(read(&bad), Err(CallbackRefused::Malformed(_))));
    }
    assert!(read_bytes(b"auth=1").is_err());
}

#[test]
fn an_authorization_is_polled_ever_more_seldom() {
    let minutes = |age| tecalis().poll_after(Status::InProgress, SignedDuration::from_mins(age)).as_mins();
    assert_eq!([0, 14, 15, 59, 60, 119, 120, 1439, 1440].map(minutes), [1, 1, 3, 3, 5, 5, 30, 30, 180]);
}

#[test]
fn an_account_needs_a_url_of_its_own_or_the_deployment_s() {
    let providers = |url: &str| {
        let mut settings = std::collections::HashMap::from([("COTEJO_TECALIS_URL".to_owned(), url.to_owned())]);
        for name in ["TABLE", "BUCKET", "COTEJO_SECRET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            settings.insert(name.to_owned(), "x".to_owned());
        }
        Providers::new(PROVIDERS, &Config::from_map(&settings).unwrap())
    };
    let found = |url: &str, account: Value| {
        let account: Account = serde_json::from_value(account).unwrap();
        providers(url).check(NAME, &account).err()
    };
    let nowhere = FieldError::new("url", "is required, because the deployment has none");
    assert_eq!(found("", json!({"api_key": "k"})), Some(NoProvider::Account(nowhere)));
    assert!(matches!(found("x", json!({"api_key": "k"})), Some(NoProvider::DeploymentUrl(_))), "not the account's");
    assert_eq!(found("", json!({"api_key": "k", "url": "https://tecalis.example"})), None);
    assert_eq!(found("https://tecalis.example", json!({"api_key": "k", "media_hosts": ["cdn.example"]})), None);
    let missing = FieldError::new("api_key", "is required");
    assert_eq!(found("https://tecalis.example", json!({})), Some(NoProvider::Account(missing)));
}

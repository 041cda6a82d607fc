//! LINK's own sample bodies, and the forms its page leaves open.
//!
//! Three samples are no JSON as the seed prints them. In `automatic` the fields left out as `...` are written in, with the
//! codes of the engine and a specimen's values. `callback_approved` and `callback_not_approved` miss the comma after
//! `faceComparisonApproval`, as printed, and are read all the same. All else is as printed.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use ::http::HeaderMap;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::TcpListener,
};

use super::*;
use crate::{
    process::{
        EvidenceKind, Observation,
        certificate::CertificateProgress,
        findings::{Check, Outcome},
    },
    providers::{CallbackUrls, Picture, ProviderFactory as _, RefusalBody, repair::mended},
};

const AUTOMATIC: &str = include_str!("fixtures/003_b45868d8aecc53ac.automatic.json");
const MANUAL_PROCESSING: &str = include_str!("fixtures/003_b45868d8aecc53ac.manual_processing.json");
const CALLBACK_APPROVED: &str = include_str!("fixtures/003_b45868d8aecc53ac.callback_approved.json");
const CALLBACK_NOT_APPROVED: &str = include_str!("fixtures/003_b45868d8aecc53ac.callback_not_approved.json");
const CALLBACK_REJECTED: &str = include_str!("fixtures/003_b45868d8aecc53ac.callback_rejected.json");
const CALLBACK_CERTIFICATION: &str = include_str!("fixtures/003_b45868d8aecc53ac.callback_certification.json");
const CREDENTIALS: &str = include_str!("fixtures/003_b45868d8aecc53ac.credentials.json");
const TOKEN: &str = include_str!("fixtures/003_b45868d8aecc53ac.token.json");
const INVALID_CREDENTIALS: &str = include_str!("fixtures/003_b45868d8aecc53ac.invalid_credentials.json");
const PING: &str = include_str!("fixtures/003_b45868d8aecc53ac.ping.json");
const BAD_REQUEST: &str = include_str!("fixtures/003_b45868d8aecc53ac.bad_request.json");
const SERVER_ERROR: &str = include_str!("fixtures/003_b45868d8aecc53ac.server_error.json");
const CERTIFICATE: &str = include_str!("fixtures/003_b45868d8aecc53ac.certificate.json");
const VERIFY: [(&str, &[EvidenceKind], bool, bool); 6] = [
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_one_side.json"), ONE_SIDE, false, false),
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_two_sides.json"), TWO_SIDES, false, false),
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_one_side_certified.json"), ONE_SIDE, true, false),
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_two_sides_certified.json"), TWO_SIDES, true, false),
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_face_certified.json"), WITH_FACE, true, false),
    (include_str!("fixtures/003_b45868d8aecc53ac.verify_manual.json"), WITH_FACE, true, true),
];
const ONE_SIDE: &[EvidenceKind] = &[EvidenceKind::DocumentFront];
const TWO_SIDES: &[EvidenceKind] = &[EvidenceKind::DocumentFront, EvidenceKind::DocumentBack];
const WITH_FACE: &[EvidenceKind] = &[EvidenceKind::DocumentFront, EvidenceKind::DocumentBack, EvidenceKind::Selfie];
/// The process of the samples that verify, and that of the callbacks.
const VERIFIED: &str = "00627e53-800b-4e6d-86ff-b933e2940a04";
const CALLED_BACK: &str = "b2820098-04a9-47ef-9d5f-c668e016a596";

fn now() -> Timestamp {
    "2026-11-01T10:00:00Z".parse().unwrap()
}

fn link() -> Link {
    let account = serde_json::from_value(json!({"user": "user", "password": "secret"})).unwrap();
    Link::new(ApiClient::new(NAME), TokenCache::default(), "https://link.example/", account)
}

fn request(pictures: &[EvidenceKind], options: Value) -> ProcessRequest {
    let mut request: ProcessRequest = serde_json::from_value(json!({
        "provider": "link",
        "person": {"name": "Carmen Española"},
        "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
        "options": options,
    }))
    .unwrap();
    request.pictures = pictures.to_vec();
    request
}

/// What `make` makes of the submission of such a request.
fn submitted<T>(
    request: &ProcessRequest,
    round: Round,
    callbacks: &CallbackUrls,
    make: impl FnOnce(&Submission<'_>) -> T,
) -> T {
    let picture =
        |kind: &EvidenceKind| Picture { kind: *kind, bytes: Bytes::copy_from_slice(kind.as_str().as_bytes()) };
    let pictures: Vec<_> = request.pictures.iter().map(picture).collect();
    let id = VERIFIED.parse().unwrap();
    make(&Submission { id, round, request, pictures: &pictures, callbacks, now: now() })
}

fn callbacks() -> CallbackUrls {
    let url = |path: &str| Some(format!("https://cotejo.example/{path}"));
    CallbackUrls { result: url("result"), certificate: url("certificate") }
}

fn sent(request: &ProcessRequest, round: Round) -> Value {
    submitted(request, round, &callbacks(), |submission| {
        let id = request_id(submission.id, round);
        serde_json::to_value(mapping::verify(id, submission).unwrap()).unwrap()
    })
}

/// The observation of the machine's answer, after `change`.
fn observed(request: &ProcessRequest, round: Round, change: impl FnOnce(&mut Value)) -> Observation {
    let mut answer: Value = serde_json::from_str(AUTOMATIC).unwrap();
    change(&mut answer);
    let verified = wire::verified(answer.to_string().as_bytes()).unwrap();
    submitted(request, round, &callbacks(), |submission| mapping::automatic(&verified, submission))
}

/// Status and reason of the machine's answer with this status and result.
fn judged(pictures: &[EvidenceKind], status: &str, result: &str, face: Option<&str>) -> (Status, Option<String>) {
    let observation = observed(&request(pictures, Value::Null), Round::First, |answer| {
        answer["idVerification"]["status"] = json!(status);
        answer["idVerification"]["result"] = json!(result);
        if let Some(face) = face {
            add_field(answer, "TEST_FACE_RECOGNITION_VALUE", face);
        }
    });
    (observation.status, observation.reason)
}

fn add_field(answer: &mut Value, code: &str, value: &str) {
    let kind = if code.starts_with("TEST_") { "Validation" } else { "Normal" };
    let field = json!({"type": kind, "code": code, "value": value, "description": code});
    answer["idVerification"]["fields"].as_array_mut().unwrap().push(field);
}

/// The observation of a callback with the result of LINK's people, after `change`.
fn reviewed(pictures: &[EvidenceKind], sample: &str, change: impl FnOnce(&mut Value)) -> Observation {
    let mut body: Value = serde_json::from_slice(&mended(sample.as_bytes())).unwrap();
    change(&mut body);
    let body = Bytes::from(body.to_string());
    let answer = link().read_result(&request(pictures, json!({"manual": true})), &body, now()).unwrap();
    assert_eq!(answer.raw, body);
    answer.observation
}

/// Status and reason of a callback, after `change` of its data.
fn decided(pictures: &[EvidenceKind], sample: &str, change: impl FnOnce(&mut Value)) -> (Status, Option<String>) {
    let observation = reviewed(pictures, sample, |body| change(&mut body["data"]));
    (observation.status, observation.reason)
}

fn some(status: Status, reason: &str) -> (Status, Option<String>) {
    (status, Some(reason.to_owned()))
}

fn called_back(purpose: Purpose, source: &str, body: &str) -> Result<Callback, CallbackRefused> {
    link().read_callback(&IncomingCallback {
        purpose,
        process: Some(CALLED_BACK.parse().unwrap()),
        source: source.parse().ok(),
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
    })
}

/// A call as it came in: method and path, what authorizes it, its body.
#[derive(Debug, PartialEq)]
struct Asked {
    call: String,
    authorization: Option<String>,
    body: Value,
}

/// LINK where it gives these answers, one a call.
struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    async fn new(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Asked>>>::default());
        let answers: Vec<_> = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let remembered = Arc::clone(&asked);
        tokio::spawn(async move {
            for (status, body) in answers {
                let mut stream = BufStream::new(listener.accept().await.unwrap().0);
                let asked = Asked::read(&mut stream).await;
                remembered.lock().unwrap().push(asked);
                let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}", body.len());
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn link(&self) -> Link {
        let account = serde_json::from_value(json!({"user": "{{user}}", "password": "{{password}}"})).unwrap();
        Link::new(ApiClient::new(NAME), TokenCache::default(), &self.url(), account)
    }

    fn calls(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|asked| asked.call.clone()).collect()
    }
}

impl Asked {
    async fn read(stream: &mut BufStream<tokio::net::TcpStream>) -> Self {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "the call breaks off");
        }
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        Self {
            call: head.split(" HTTP/").next().unwrap().to_owned(),
            authorization: header("authorization").map(str::to_owned),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }
}

/// The sample of an answer by machine, as if it were the answer to what is submitted here.
fn automatic() -> String {
    AUTOMATIC.replace(CALLED_BACK, VERIFIED)
}

/// What becomes of a submission that LINK answers so.
async fn submit_to(link: &Link) -> Result<Submitted, ProviderError> {
    let (request, callbacks) = (request(&[], Value::Null), CallbackUrls::default());
    let pictures = [Picture { kind: EvidenceKind::DocumentFront, bytes: Bytes::from_static(b"document_front") }];
    let (id, round) = (VERIFIED.parse().unwrap(), Round::First);
    let submission =
        Submission { id, round, request: &request, pictures: &pictures, callbacks: &callbacks, now: now() };
    link.submit(&submission).await
}

const LOG_IN: &str = "POST /auth/token";
const VERIFYING: &str = "POST /identity/verify";
const FETCHING: &str = "GET /certificate/b2820098-04a9-47ef-9d5f-c668e016a596";
const SHOWN: &str = "Bearer eyJhbGciOiJodHRw...qZ2aG2Y_I";

#[tokio::test]
async fn a_submission_gets_a_token_and_shows_it() {
    let answer = automatic();
    let scripted = Scripted::new(&[(200, TOKEN), (200, &answer)]).await;
    let submitted = submit_to(&scripted.link()).await.unwrap();
    assert_eq!(submitted.reference, VERIFIED);
    let given = submitted.answer.unwrap();
    assert_eq!((given.observation.status, &given.raw[..]), (Status::Approved, answer.as_bytes()));
    let asked = scripted.asked.lock().unwrap();
    let [log_in, verifying] = asked.as_slice() else { panic!("two calls: {asked:?}") };
    let credentials = serde_json::from_str(CREDENTIALS).unwrap();
    assert_eq!(log_in, &Asked { call: LOG_IN.to_owned(), authorization: None, body: credentials });
    assert_eq!((verifying.call.as_str(), verifying.authorization.as_deref()), (VERIFYING, Some(SHOWN)));
    assert_eq!((&verifying.body["id"], &verifying.body["expeditorCountry"]), (&json!(VERIFIED), &json!("ES")));
}

#[tokio::test]
async fn an_answer_about_another_request_is_no_answer() {
    let scripted = Scripted::new(&[(200, TOKEN), (200, AUTOMATIC)]).await;
    let answer = submit_to(&scripted.link()).await;
    assert!(matches!(answer, Err(ProviderError::Unreadable { raw }) if raw == AUTOMATIC.as_bytes()));
}

#[tokio::test]
async fn a_refused_token_is_renewed_only_once() {
    let (renewed, good) = (TOKEN.replace("qZ2aG2Y_I", "another"), automatic());
    for (end, answered) in [((200, good.as_str()), true), ((401, ""), false)] {
        let scripted = Scripted::new(&[(200, TOKEN), (401, ""), (200, &renewed), end]).await;
        let answer = submit_to(&scripted.link()).await;
        assert_eq!(answer.is_ok(), answered);
        assert!(answered || matches!(answer, Err(ProviderError::Unauthorized { .. })));
        assert_eq!(scripted.calls(), [LOG_IN, VERIFYING, LOG_IN, VERIFYING]);
        let shown = scripted.asked.lock().unwrap()[3].authorization.clone();
        assert_eq!(shown.as_deref(), Some("Bearer eyJhbGciOiJodHRw...another"));
    }
}

#[tokio::test]
async fn a_token_is_used_until_a_minute_before_its_expiry() {
    let short = TOKEN.replace("3600", "120");
    let scripted = Scripted::new(&[(200, PING), (200, &short), (200, PING), (200, PING), (200, TOKEN)]).await;
    let link = scripted.link();
    for (seconds, calls) in [(0, 2), (59, 3), (60, 5)] {
        link.ping(now() + SignedDuration::from_secs(seconds)).await.unwrap();
        assert_eq!(scripted.calls().len(), calls, "after {seconds} seconds");
    }
}

#[tokio::test]
async fn every_error_code_of_the_seed_has_its_meaning_at_every_call() {
    fn meaning(error: ProviderError) -> String {
        match error {
            ProviderError::Rejected { code, .. } => format!("rejected {code}"),
            ProviderError::Unavailable { maybe_done } => format!("unavailable, maybe done: {maybe_done}"),
            other => other.code().to_owned(),
        }
    }
    const MAYBE: &str = "unavailable, maybe done: true";
    const NOT_DONE: &str = "unavailable, maybe done: false";
    for (status, body, expected) in [
        (400, BAD_REQUEST, "rejected 003"),
        (400, "", "rejected http_400"),
        (404, "", "not_found"),
        (500, SERVER_ERROR, MAYBE),
        (503, "", MAYBE),
    ] {
        let scripted = Scripted::new(&[(200, TOKEN), (status, body)]).await;
        assert_eq!(meaning(submit_to(&scripted.link()).await.unwrap_err()), expected, "{status} {body}");
        let scripted = Scripted::new(&[(200, TOKEN), (status, body)]).await;
        let fetched = scripted.link().certificate(CALLED_BACK, now()).await;
        assert_eq!(meaning(fetched.unwrap_err()), expected, "certificate: {status} {body}");
        let scripted = Scripted::new(&[(status, body)]).await;
        assert_eq!(meaning(scripted.link().ping(now()).await.unwrap_err()), expected, "ping: {status} {body}");
    }
    for (status, body, expected) in [
        (401, "", "unauthorized"),
        (500, INVALID_CREDENTIALS, "unauthorized"),
        (500, SERVER_ERROR, NOT_DONE),
        (503, "", NOT_DONE),
    ] {
        let scripted = Scripted::new(&[(status, body)]).await;
        assert_eq!(meaning(submit_to(&scripted.link()).await.unwrap_err()), expected, "log-in: {status} {body}");
        assert_eq!(scripted.calls(), [LOG_IN]);
    }
}

#[tokio::test]
async fn a_ping_asks_whether_link_is_there_and_knows_the_account() {
    for (pong, token, healthy) in [
        (PING.to_owned(), (200, TOKEN), true),
        (PING.to_owned(), (401, ""), false),
        (PING.replace("\"ok\"", "\"down\""), (200, TOKEN), false),
        ("{}".to_owned(), (200, TOKEN), false),
        (r#"{"status": "ok", "service": 7, "date": null}"#.to_owned(), (200, TOKEN), true),
    ] {
        let scripted = Scripted::new(&[(200, &pong), token]).await;
        assert_eq!(scripted.link().ping(now()).await.is_ok(), healthy, "{pong} {token:?}");
        assert_eq!(scripted.calls()[0], "POST /ping");
    }
}

#[tokio::test]
async fn a_certificate_must_be_the_requested_one() {
    let file = |id: &str, content: &str| json!({"id": id, "content": content}).to_string();
    let encoded = STANDARD.encode("%PDF-1.4");
    for (answer, expected) in [
        (file(CALLED_BACK, &encoded), Some("%PDF-1.4")),
        (file(&CALLED_BACK.to_uppercase(), &encoded), Some("%PDF-1.4")),
        (file(VERIFIED, &encoded), None),
        (file(CALLED_BACK, "not base64"), None),
        (json!({"id": CALLED_BACK}).to_string(), None),
    ] {
        let scripted = Scripted::new(&[(200, TOKEN), (200, &answer)]).await;
        let fetched = scripted.link().certificate(CALLED_BACK, now()).await;
        assert_eq!(fetched.as_ref().ok().map(|bytes| &bytes[..]), expected.map(str::as_bytes), "{answer}");
        assert!(expected.is_some() || matches!(fetched, Err(ProviderError::Unreadable { .. })), "{answer}");
        let asked = scripted.asked.lock().unwrap();
        assert_eq!((asked[1].call.as_str(), asked[1].authorization.as_deref()), (FETCHING, Some(SHOWN)));
    }
}

#[tokio::test]
async fn the_url_is_the_account_s_then_the_deployment_s_then_production() {
    let (of_account, of_deployment) =
        (Scripted::new(&[(200, PING), (200, TOKEN)]).await, Scripted::new(&[(200, PING), (200, TOKEN)]).await);
    let connected = |account: Value, url: Option<String>| {
        let connection = Connection { api: ApiClient::new(NAME), tokens: TokenCache::default(), url };
        Factory.connect(&serde_json::from_value(account).unwrap(), &connection)
    };
    let own = json!({"user": "u", "password": "p", "url": of_account.url()});
    connected(own, Some(of_deployment.url())).unwrap().ping(now()).await.unwrap();
    assert_eq!((of_account.calls().len(), of_deployment.calls().len()), (2, 0));
    let plain = json!({"user": "u", "password": "p"});
    connected(plain.clone(), Some(of_deployment.url())).unwrap().ping(now()).await.unwrap();
    assert_eq!(of_deployment.calls().len(), 2);
    assert!(connected(plain, None).is_ok());
    assert_eq!(PRODUCTION, "https://kyc-api.linkmobility.es");
}

#[test]
fn every_request_of_the_seed_is_what_is_sent() {
    for (sample, pictures, certify, manual) in VERIFY {
        let mut expected: Value = serde_json::from_str(sample).unwrap();
        let encoded = |kind: EvidenceKind| json!(STANDARD.encode(kind.as_str()));
        for (image, kind) in expected["images"].as_array_mut().unwrap().iter_mut().zip(pictures) {
            image["content"] = encoded(*kind);
            if image.get("faceImage").is_some() {
                image["faceImage"] = encoded(EvidenceKind::Selfie);
            }
        }
        if certify {
            expected["certifyCallback"] = json!("https://cotejo.example/certificate");
        }
        if manual {
            expected["manualVerificationCallback"] = json!("https://cotejo.example/result");
        }
        let request = request(pictures, json!({"certify": certify, "manual": manual}));
        assert_eq!(sent(&request, Round::First), expected);
    }
}

#[test]
fn an_escalation_is_the_same_by_hand_and_under_another_id() {
    let request = request(WITH_FACE, json!({"manual_on_warning": true, "certify": true}));
    let (mut first, mut second) = (sent(&request, Round::First), sent(&request, Round::Escalated));
    assert_ne!(first["id"].take(), second["id"].take());
    assert_eq!(second["manualVerification"].take(), json!(true));
    assert_eq!(second["manualVerificationCallback"].take(), json!("https://cotejo.example/result"));
    let fields = second.as_object_mut().unwrap();
    fields.retain(|name, _| !name.starts_with("manual"));
    assert_eq!(first, second);
}

#[test]
fn nothing_is_sent_that_would_call_back_somewhere_else() {
    for (options, refused) in [(json!({"certify": true}), true), (json!({"manual": true}), true), (Value::Null, false)]
    {
        let request = request(ONE_SIDE, options.clone());
        let made = submitted(&request, Round::First, &CallbackUrls::default(), |submission| {
            mapping::verify(Uuid::nil(), submission).map(drop).map_err(|error| error.code())
        });
        assert_eq!(made.is_err(), refused, "{options}");
    }
}

#[test]
fn what_link_would_refuse_is_refused_before_it_is_asked() {
    let problems = |pictures: &[EvidenceKind], options: Value| -> Vec<String> {
        let problems = link().check(&request(pictures, options), now());
        problems.into_iter().map(|problem| format!("{} {}", problem.field, problem.message)).collect()
    };
    for options in
        [Value::Null, json!({}), json!({"manual": true, "certify": true}), json!({"manual_on_warning": true})]
    {
        assert_eq!(problems(ONE_SIDE, options), Vec::<String>::new());
    }
    assert_eq!(problems(&[], Value::Null), ["pictures.document_front is required"]);
    assert_eq!(problems(&[EvidenceKind::Selfie], Value::Null), ["pictures.document_front is required"]);
    assert_eq!(problems(ONE_SIDE, json!({"more": 1})), ["options.more is not a known field"]);
    assert_eq!(problems(ONE_SIDE, json!({"manual": "yes"})), ["options.manual must be a boolean"]);
    assert_eq!(
        problems(ONE_SIDE, json!({"manual": true, "manual_on_warning": true})),
        ["options.manual_on_warning has no use beside manual"]
    );
}

#[test]
fn the_answers_of_the_seed_s_other_calls_are_read() {
    let credentials = wire::Credentials { user: "{{user}}", password: "{{password}}" };
    assert_eq!(serde_json::to_value(credentials).unwrap(), serde_json::from_str::<Value>(CREDENTIALS).unwrap());
    let authorized = wire::authorized(TOKEN.as_bytes()).unwrap();
    assert_eq!((authorized.token.expose_secret(), authorized.expires_in), ("eyJhbGciOiJodHRw...qZ2aG2Y_I", 3600));
    assert!(wire::are_invalid_credentials(INVALID_CREDENTIALS.as_bytes()));
    assert!(!wire::are_invalid_credentials(SERVER_ERROR.as_bytes()) && !wire::are_invalid_credentials(b"{"));
    assert_eq!(wire::pong(PING.as_bytes()).as_deref(), Some("ok"));
    assert_eq!(wire::refusal_code(BAD_REQUEST.as_bytes()).as_deref(), Some("003"));
    assert_eq!(wire::refusal_code(SERVER_ERROR.as_bytes()).as_deref(), Some("001"));
    let file: wire::CertificateFile<'_> = serde_json::from_str(CERTIFICATE).unwrap();
    assert_eq!((file.id.as_str(), &file.content[..9]), (CALLED_BACK, "JVBERi0xL"));
    let manual = wire::verified(MANUAL_PROCESSING.as_bytes()).unwrap();
    let request = request(WITH_FACE, json!({"manual": true, "certify": true}));
    let observation =
        submitted(&request, Round::First, &callbacks(), |submission| mapping::automatic(&manual, submission));
    assert_eq!((observation.status, observation.reason), (Status::InProgress, None));
    assert_eq!(observation.certificate.unwrap().progress, CertificateProgress::Making);
}

#[test]
fn the_sample_is_an_approval_with_everything_it_says() {
    let observation = observed(&request(ONE_SIDE, json!({"certify": true})), Round::First, |_| {});
    assert_eq!((observation.status, observation.reason, observation.escalate), (Status::Approved, None, false));
    let certificate = observation.certificate.unwrap();
    assert_eq!((certificate.reference.as_str(), certificate.progress), (CALLED_BACK, CertificateProgress::Making));
    insta::assert_json_snapshot!(observation.findings);
}

#[test]
fn every_result_of_the_machine_is_mapped_and_unknown_ones_are_open() {
    for (result, expected) in [
        ("Ok", (Status::Approved, None)),
        ("OK", (Status::Approved, None)),
        (" Ok ", (Status::Approved, None)),
        ("NotCorrect", some(Status::Rejected, "not_correct")),
        ("NotProcessed", some(Status::Failed, "not_processed")),
        ("Warning", some(Status::InReview, "provider_warning")),
        ("Perhaps", (Status::InProgress, None)),
        ("", (Status::InProgress, None)),
    ] {
        assert_eq!(judged(ONE_SIDE, "Completed", result, None), expected, "{result}");
    }
    for (status, expected) in [
        ("Processing", (Status::InProgress, None)),
        ("Error", some(Status::Failed, "provider_error")),
        ("Stalled", (Status::InProgress, None)),
    ] {
        assert_eq!(judged(ONE_SIDE, status, "Ok", None), expected, "{status}");
    }
}

#[test]
fn with_a_face_ok_alone_approves_nothing() {
    for (face, expected) in [
        (Some("OK"), (Status::Approved, None)),
        (Some("FAIL"), some(Status::Rejected, "face_recognition")),
        (Some("DOUBTFUL"), some(Status::InReview, "face_unclear")),
        (Some(""), some(Status::InReview, "face_unclear")),
        (None, some(Status::InReview, "face_unclear")),
    ] {
        assert_eq!(judged(WITH_FACE, "Completed", "Ok", face), expected, "{face:?}");
        assert_eq!(judged(TWO_SIDES, "Completed", "Ok", face), (Status::Approved, None), "no face was sent: {face:?}");
    }
    assert_eq!(judged(WITH_FACE, "Completed", "Warning", Some("OK")), some(Status::InReview, "provider_warning"));
    assert_eq!(judged(WITH_FACE, "Completed", "NotCorrect", Some("OK")), some(Status::Rejected, "not_correct"));
    let twice = observed(&request(WITH_FACE, Value::Null), Round::First, |answer| {
        add_field(answer, "TEST_FACE_RECOGNITION_VALUE", "OK");
        add_field(answer, "TEST_FACE_RECOGNITION_VALUE", "FAIL");
    });
    assert_eq!(twice.status, Status::Rejected);
}

#[test]
fn a_face_s_likeness_is_percent_whatever_the_scale() {
    for (ratio, percent) in
        [("0.87", Some(87.0)), ("1", Some(100.0)), ("87.5", Some(87.5)), ("high", None), ("101", None)]
    {
        let observation = observed(&request(WITH_FACE, Value::Null), Round::First, |answer| {
            add_field(answer, "TEST_FACE_RECOGNITION_RATIO", ratio);
        });
        assert_eq!(observation.findings.face.unwrap().similarity, percent, "{ratio}");
    }
}

#[test]
fn a_warning_goes_to_reviewers_once_if_requested() {
    let escalates = |options: Value, round, result: &str| {
        observed(&request(ONE_SIDE, options), round, |answer| answer["idVerification"]["result"] = json!(result))
            .escalate
    };
    let wanted = json!({"manual_on_warning": true});
    assert!(escalates(wanted.clone(), Round::First, "Warning"));
    assert!(!escalates(wanted.clone(), Round::Escalated, "Warning"));
    assert!(!escalates(wanted, Round::First, "NotCorrect"));
    assert!(!escalates(Value::Null, Round::First, "Warning"));
}

#[test]
fn every_form_of_a_test_s_value_is_understood() {
    let check = |code: &str, value: &str| -> Check {
        let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
            answer["idVerification"]["fields"] = json!([]);
            add_field(answer, code, value);
        });
        let [check] = observation.findings.checks.as_slice() else { panic!("one check for {code} {value}") };
        check.clone()
    };
    for (code, value, outcome, provider_code, detail) in [
        ("TEST_GLOBAL_AUTHENTICITY_VALUE", "OK", Outcome::Passed, Some("OK"), None),
        ("TEST_GLOBAL_AUTHENTICITY_VALUE", "FAIL", Outcome::Failed, Some("FAIL"), None),
        ("TEST_GLOBAL_AUTHENTICITY_VALUE", "DOUBTFUL", Outcome::Warning, Some("DOUBTFUL"), None),
        ("TEST_GLOBAL_AUTHENTICITY_RATIO", "0.98", Outcome::Unknown, None, Some("0.98")),
        ("TEST_MRZ_GLOBAL_INTEGRITY", "OK", Outcome::Passed, Some("OK"), None),
        ("TEST_MRZ_FIELDS_INTEGRITY", "OK BIRTHDATE", Outcome::Passed, Some("OK"), Some("birthdate")),
        ("TEST_MRZ_FIELDS_INTEGRITY", "FAIL DOC_NUMBER", Outcome::Failed, Some("FAIL"), Some("doc_number")),
        ("TEST_COLOR_IMAGE", "OK", Outcome::Passed, Some("OK"), None),
        ("TEST_EXPIRY_DATE", "FAIL", Outcome::Failed, Some("FAIL"), None),
        ("TEST_CORRESPONDENCE_VISIBLE_MRZ", "FAIL SURNAME", Outcome::Failed, Some("FAIL"), Some("surname")),
        ("TEST_SIDE_CORRESPONDENCE", "FAIL", Outcome::Failed, Some("FAIL"), None),
        ("TEST_FACE_RECOGNITION_VALUE", "OK", Outcome::Passed, Some("OK"), None),
        ("TEST_FACE_RECOGNITION_RATIO", "0.9", Outcome::Unknown, None, Some("0.9")),
        ("QUALITY_IMAGE_BLURRING", "IQ_GOOD 11%", Outcome::Passed, Some("IQ_GOOD"), Some("11%")),
        ("QUALITY_IMAGE_GLARE", "IQ_BAD 80%", Outcome::Failed, Some("IQ_BAD"), Some("80%")),
        ("QUALITY_IMAGE_GLARE", "IQ_FAIR", Outcome::Warning, Some("IQ_FAIR"), None),
        ("TEST_NEW", "", Outcome::Unknown, None, None),
        // What stands where a field's name should may be what was read.
        ("TEST_NEW", "OK Carmen Española", Outcome::Passed, Some("OK"), None),
    ] {
        let check = check(code, value);
        assert_eq!(check.name, code.to_ascii_lowercase());
        assert_eq!(
            (check.outcome, check.provider_code.as_deref(), check.detail.as_deref()),
            (outcome, provider_code, detail),
            "{code} {value}"
        );
    }
}

#[test]
fn fields_of_other_forms_cost_nothing_but_themselves() {
    let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
        answer["idVerification"]["fields"] = json!([
            null, {}, {"code": "NAME"}, {"code": 1, "value": "x"}, {"code": "A B", "value": "x"}, "SURNAME",
            {"code": "SEX", "value": 1}, {"code": "MODEL_ID", "value": "a"}, {"code": "MODEL_ID", "value": "b"},
            {"code": "MODEL_ID", "value": "b"}, {"code": "BIRTHDATE", "value": "sometime"},
            {"code": "MRZ", "value": "IDESP\nABC<<"}, {"code": "ADDRESS", "value": "x".repeat(501)},
        ]);
    });
    let extracted = serde_json::to_value(observation.findings.extracted).unwrap();
    assert_eq!(
        extracted,
        json!({
            "mrz": ["IDESP", "ABC<<"], "sex": "1",
            "other": {"1": "x", "BIRTHDATE": "sometime", "MODEL_ID": "a", "MODEL_ID.2": "b", "MODEL_ID.3": "b"},
        })
    );
    for fields in [Value::Null, json!("none"), json!({})] {
        let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
            answer["idVerification"]["fields"] = fields;
            answer["certification"] = json!("Processing");
        });
        assert_eq!((observation.status, observation.findings.checks.len()), (Status::Approved, 0));
    }
    assert!(wire::verified(br#"{"id": "x", "idVerification": {}}"#).is_none(), "no state");
}

#[test]
fn what_could_not_be_read_of_the_machine_s_answer_is_noted() {
    for (path, odd, place) in [
        ("/idVerification/fields/0", Value::Null, "/idVerification/fields/*"),
        ("/idVerification/fields/0", json!("SURNAME"), "/idVerification/fields/*"),
        ("/idVerification/fields/0/code", Value::Null, "/idVerification/fields/*/code"),
        ("/idVerification/fields/0/code", json!("of Carmen"), "/idVerification/fields/*/code"),
        ("/idVerification/fields/0/value", json!({"x": "y"}), "/idVerification/fields/*/value/*"),
        ("/idVerification/fields", json!("none"), "/idVerification/fields/*"),
        ("/idVerification/result", json!({"is": "Ok"}), "/idVerification/result"),
        ("/certification", json!("Processing"), "/certification"),
        // Nothing was read there.
        ("/idVerification/fields/0/value", Value::Null, ""),
        ("/idVerification/fields/0/value", json!(""), ""),
        ("/idVerification/fields/0/value", json!(7), ""),
    ] {
        let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
            answer["certification"] = json!({});
            *answer.pointer_mut(path).unwrap() = odd.clone();
        });
        assert_eq!(observation.unread.join(" "), place, "{path} {odd}");
        assert!(!observation.findings.checks.is_empty() || path.ends_with("fields"), "{path} {odd}");
    }
    let several = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
        answer["idVerification"]["fields"] =
            json!({"0": {"code": "MRZ", "value": ["IDESP", "ABC<<"]}, "1": {"code": "SEX", "value": "F"}});
    });
    assert_eq!((several.findings.extracted.mrz.len(), several.unread.len()), (2, 0));
}

#[test]
fn what_could_not_be_read_of_people_s_findings_is_noted() {
    for (path, odd, place) in [
        (
            "/data/documentInfo/acceptance/reasons",
            json!([{"code": "GLARE"}]),
            "/data/documentInfo/acceptance/reasons/*",
        ),
        ("/data/documentInfo/acceptance/reasons", json!("GLARE"), ""),
        ("/data/documentInfo/extractedData/name", json!("CARMEN"), "/data/documentInfo/extractedData/name"),
        (
            "/data/documentInfo/extractedData/name/surname",
            json!({"first": "X"}),
            "/data/documentInfo/extractedData/name/*",
        ),
        (
            "/data/faceComparisonInfo",
            json!([{"acceptance": {"result": "ACCEPTED"}, "findings": {"faceComparisonApproval": "MATCH", "faceLivenessApproval": "LIVE"}}]),
            "",
        ),
    ] {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            body["data"]["documentInfo"]["acceptance"]["reasons"] = json!([]);
            *body.pointer_mut(path).unwrap() = odd.clone();
        });
        assert_eq!(
            (observation.status, observation.unread.join(" ")),
            (Status::Approved, place.to_owned()),
            "{path} {odd}"
        );
    }
}

#[test]
fn a_token_s_life_may_be_a_text() {
    let life = |body: &str| wire::authorized(body.as_bytes()).unwrap().expires_in;
    assert_eq!([life(r#"{"token": "t", "expiresIn": "3600"}"#), life(r#"{"token": "t", "expiresIn": -1}"#)], [3600, 0]);
    assert!(wire::authorized(br#"{"expiresIn": 3600}"#).is_none());
}

#[test]
fn every_code_that_the_machine_reads_has_its_place() {
    for (code, place) in [
        ("TYPE", "/document_type"),
        ("EXPEDITOR", "/extracted/issuing_state"),
        ("NATIONALITY", "/extracted/nationality"),
        ("NAME", "/extracted/names"),
        ("SURNAME", "/extracted/surnames"),
        ("ID_NUMBER", "/extracted/document_number"),
        ("DOC_NUMBER", "/extracted/document_number"),
        ("SEX", "/extracted/sex"),
        ("MRZ", "/extracted/mrz/0"),
        ("ADDRESS", "/extracted/address"),
        ("BIRTHPLACE", "/extracted/birth_place"),
        ("SIDE", "/extracted/other/SIDE"),
        ("STREET_ADDRESS", "/extracted/other/STREET_ADDRESS"),
        ("CITY_ADDRESS", "/extracted/other/CITY_ADDRESS"),
        ("STATE_ADDRESS", "/extracted/other/STATE_ADDRESS"),
        ("PARENTS", "/extracted/other/PARENTS"),
        ("AUTHORITY", "/extracted/other/AUTHORITY"),
        ("MODEL_ID", "/extracted/other/MODEL_ID"),
        ("SIDES_NUMBER", "/extracted/other/SIDES_NUMBER"),
        ("ICAR_RESULT_DOCUMENT_ID", "/extracted/other/ICAR_RESULT_DOCUMENT_ID"),
        ("SOMETHING_NEW", "/extracted/other/SOMETHING_NEW"),
    ] {
        let findings = alone(&[(code, "READ")]);
        assert_eq!(findings.pointer(place), Some(&json!("READ")), "{code}");
        assert_eq!(findings["checks"], json!([]), "{code}");
    }
    for (code, place) in [("BIRTHDATE", "birth_date"), ("EXPIRY", "expiry_date")] {
        assert_eq!(alone(&[(code, "02/01/1970")])["extracted"][place], "1970-01-02", "{code}");
    }
    let both = alone(&[("DOC_NUMBER", "the card's"), ("ID_NUMBER", "the person's")]);
    assert_eq!(both["extracted"]["document_number"], "the person's");
    assert_eq!(both["extracted"]["other"]["DOC_NUMBER"], "the card's");
    let surnames = alone(&[("SURNAME", "GARCIA"), ("SURNAME", "LOPEZ")]);
    assert_eq!(surnames["extracted"]["surnames"], "GARCIA LOPEZ");
    let twice = alone(&[("SURNAME", "GARCIA"), ("SURNAME", "GARCIA"), ("MRZ", "A<"), ("MRZ", "A<")]);
    assert_eq!(twice["extracted"], json!({"surnames": "GARCIA GARCIA", "mrz": ["A<", "A<"]}));
}

/// The findings where the machine read nothing but this.
fn alone(read: &[(&str, &str)]) -> Value {
    let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
        answer["idVerification"]["fields"] = json!([]);
        for (code, value) in read {
            add_field(answer, code, value);
        }
    });
    serde_json::to_value(observation.findings).unwrap()
}

#[test]
fn a_field_s_type_makes_it_a_test_and_so_does_its_code() {
    for (kind, code, is_test) in [
        ("Normal", "SOMETHING", false),
        ("Validation", "SOMETHING", true),
        ("validation", "SOMETHING", true),
        ("Normal", "TEST_SOMETHING", true),
        ("Normal", "QUALITY_IMAGE_SOMETHING", true),
        ("", "SOMETHING", false),
    ] {
        let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
            answer["idVerification"]["fields"] = json!([{"type": kind, "code": code, "value": "OK"}]);
        });
        let (checks, read) = (observation.findings.checks, observation.findings.extracted.other);
        assert_eq!((checks.len(), read.len()), (usize::from(is_test), usize::from(!is_test)), "{kind} {code}");
    }
}

#[test]
fn what_link_only_repeats_or_says_in_prose_is_not_read() {
    let request = request(WITH_FACE, Value::Null);
    let as_sampled = observed(&request, Round::First, |_| {});
    for path in ["/idVerification/process", "/idVerification/warning", "/idVerification/fields/0/description"] {
        for other in [Value::Null, json!("Carmen Española is too old"), json!({"x": "y"})] {
            let observation =
                observed(&request, Round::First, |answer| *answer.pointer_mut(path).unwrap() = other.clone());
            assert_eq!(observation, as_sampled, "{path} {other}");
        }
    }
    let mut token: Value = serde_json::from_str(TOKEN).unwrap();
    token.as_object_mut().unwrap().retain(|name, _| !["scopes", "token_type"].contains(&name.as_str()));
    let authorized = wire::authorized(token.to_string().as_bytes()).unwrap();
    assert_eq!(authorized.expires_in, 3600);
    let elsewhere = CALLBACK_CERTIFICATION.replace("{{environment_host}}", "https://elsewhere.example");
    let read = |body: &str| called_back(Purpose::Certificate, "217.75.233.139", body);
    assert_eq!(read(&elsewhere), read(CALLBACK_CERTIFICATION));
}

#[test]
fn only_dates_are_dates() {
    let birth_date = |value: &str| {
        let observation = observed(&request(ONE_SIDE, Value::Null), Round::First, |answer| {
            answer["idVerification"]["fields"] = json!([{"code": "BIRTHDATE", "value": value}]);
        });
        observation.findings.extracted.birth_date.map(|date| date.expose().clone())
    };
    for date in ["01/02/1980", "01 02 1980", "01-02-1980", "01.02.1980", "1980-02-01", "1980/02/01"] {
        assert_eq!(birth_date(date).as_deref(), Some("1980-02-01"), "{date}");
    }
    for text in ["31/02/1980", "1980", "01/02/80", "800201", "1/2/3/4"] {
        assert_eq!(birth_date(text), None, "{text}");
    }
}

#[test]
fn certification_stands_where_link_says() {
    let progress = |certify: bool, certification: Value, status: &str| {
        let observation = observed(&request(ONE_SIDE, json!({"certify": certify})), Round::First, |answer| {
            answer["certification"] = certification;
            answer["idVerification"]["status"] = json!(status);
        });
        observation.certificate.map(|news| news.progress)
    };
    use CertificateProgress::{Failed, Making, Ready};
    assert_eq!(progress(true, json!({"status": "Processing"}), "Completed"), Some(Making));
    assert_eq!(progress(true, json!({"status": "Completed"}), "Completed"), Some(Ready));
    assert_eq!(progress(true, json!({"status": "Error"}), "Error"), Some(Failed));
    assert_eq!(progress(true, Value::Null, "Processing"), Some(Making));
    assert_eq!(progress(true, Value::Null, "Error"), None);
    assert_eq!(progress(false, json!({"status": "Processing"}), "Completed"), None);
}

#[test]
fn the_approval_by_people_is_read_whole() {
    let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |_| {});
    assert_eq!((observation.status, observation.reason), (Status::Approved, None));
    insta::assert_json_snapshot!(observation.findings);
    for sample in [CALLBACK_APPROVED, CALLBACK_NOT_APPROVED, CALLBACK_REJECTED] {
        assert_eq!(reviewed(WITH_FACE, sample, |_| {}).unread, [""; 0]);
    }
    assert_eq!(observed(&request(ONE_SIDE, Value::Null), Round::First, |_| {}).unread, [""; 0]);
}

#[test]
fn the_refusal_by_people_names_every_reason() {
    let observation = reviewed(WITH_FACE, CALLBACK_NOT_APPROVED, |_| {});
    let expected = some(Status::Rejected, "evidence_of_forgery_biodata_fonts");
    assert_eq!((observation.status, observation.reason), expected);
    insta::assert_json_snapshot!(observation.findings.checks);
}

#[test]
fn pictures_that_people_cannot_use_name_every_reason() {
    let observation = reviewed(WITH_FACE, CALLBACK_REJECTED, |_| {});
    // Two of the sample's reasons are verdicts on the face.
    assert_eq!((observation.status, observation.reason), some(Status::Rejected, "selfie_not_live"));
    insta::assert_json_snapshot!(observation.findings.checks);
    assert_eq!(decided(TWO_SIDES, CALLBACK_REJECTED, |_| {}), some(Status::Failed, "glare"));
}

#[test]
fn every_finding_of_people_has_its_meaning() {
    let face =
        |data: &mut Value, field: &str, value: &str| data["faceComparisonInfo"]["findings"][field] = json!(value);
    let with = |change: &dyn Fn(&mut Value)| decided(WITH_FACE, CALLBACK_APPROVED, change);
    assert_eq!(with(&|_| {}), (Status::Approved, None));
    for (field, value, expected) in [
        ("faceComparisonApproval", "NOT_MATCH", some(Status::Rejected, "not_match")),
        ("faceLivenessApproval", "NOT_LIVE", some(Status::Rejected, "not_live")),
        ("faceComparisonApproval", "PERHAPS", some(Status::Failed, "incomplete_result")),
        ("faceLivenessApproval", "", some(Status::Failed, "incomplete_result")),
    ] {
        assert_eq!(with(&|data| face(data, field, value)), expected, "{field} {value}");
    }
    let not_approved = |data: &mut Value| data["documentInfo"]["findings"]["documentApproval"] = json!("NOT_APPROVED");
    assert_eq!(with(&not_approved), some(Status::Rejected, "not_approved"));
    assert_eq!(
        decided(ONE_SIDE, CALLBACK_APPROVED, |data| face(data, "faceLivenessApproval", "NOT_LIVE")).0,
        Status::Approved
    );
}

#[test]
fn parts_that_are_missing_approve_nothing() {
    let without = |pictures, change: fn(&mut Value)| decided(pictures, CALLBACK_APPROVED, change);
    let incomplete = some(Status::Failed, "incomplete_result");
    assert_eq!(without(WITH_FACE, |data| *data = Value::Null), incomplete);
    assert_eq!(without(WITH_FACE, |data| data["faceComparisonInfo"] = Value::Null), incomplete);
    assert_eq!(without(TWO_SIDES, |data| data["faceComparisonInfo"] = Value::Null), (Status::Approved, None));
    assert_eq!(without(TWO_SIDES, |data| data["documentInfo"]["findings"] = Value::Null), incomplete);
    assert_eq!(without(TWO_SIDES, |data| data["documentInfo"]["acceptance"] = Value::Null), incomplete);
    for (status, expected) in [
        ("Error", some(Status::Failed, "provider_error")),
        ("Processing", (Status::InProgress, None)),
        ("Later", (Status::InProgress, None)),
    ] {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| body["status"] = json!(status));
        assert_eq!((observation.status, observation.reason), expected, "{status}");
    }
}

#[test]
fn every_reason_of_the_seed_decides_as_its_group_does() {
    const PICTURES: [&str; 10] = [
        "GLARE",
        "INCOMPLETE_DOCUMENT",
        "NOT_VISIBLE_FOUR_CORNERS",
        "NOT_VISIBLE_SECURITY_FEATURES",
        "OUT_OF_FOCUS",
        "POOR_CONTRAST",
        "POOR_EXPOSURE",
        "UNCLASSIFIED_DOCUMENT",
        "UNREADABLE_FIELD",
        "UNSUPPORTED_LANGUAGE",
    ];
    const FACES: [&str; 13] = [
        "MISSING_SELFIE",
        "MISSING_PORTRAIT",
        "NOT_HUMAN_FACE",
        "PARTIALLY_VISIBLE_HUMAN_FACE",
        "OUT_OF_FOCUS",
        "POOR_CONTRAST",
        "POOR_EXPOSURE",
        "GLARE",
        "FACE_TOO_CLOSE_SELFIE_IMAGE",
        "FACE_TOO_FAR_SELFIE_IMAGE",
        "FACE_ANGLE_TOO_LARGE_SELFIE_IMAGE",
        "QUALITY_TOO_LOW_SELFIE_IMAGE",
        "TOO_MANY_FACES_SELFIE_IMAGE",
    ];
    const DOCUMENTS: [(&str, &str, &[&str]); 3] = [
        (
            "authenticity",
            "NOT_AUTHENTIC",
            &[
                "EVIDENCE_OF_FORGERY_BIODATA_FONTS",
                "EVIDENCE_OF_FORGERY_MRZ_FONTS",
                "EVIDENCE_OF_FORGERY_NOT_HUMAN_FACE",
                "EVIDENCE_OF_FORGERY_PHOTO_ZONE",
                "EVIDENCE_OF_FORGERY_SIGNATURE",
            ],
        ),
        (
            "originality",
            "NOT_ORIGINAL",
            &["EVIDENCE_OF_FORGERY_BLACK_AND_WHITE_COPY", "EVIDENCE_OF_FORGERY_DOCUMENT_STRUCTURE"],
        ),
        ("validity", "NOT_VALID", &["EVIDENCE_OF_FORGERY_MRZ_CHECKSUMS", "EXPIRED_OR_INVALIDATED"]),
    ];
    let check = |observation: &Observation, name: &str, reason: &str| {
        let checks = &observation.findings.checks;
        let named =
            |check: &&Check| check.provider_code.as_deref() == Some(reason) && check.detail.as_deref() == Some(name);
        assert_eq!(checks.iter().find(named).unwrap().outcome, Outcome::Failed, "{name} {reason}");
    };
    let refused = |reason: &str| json!({"result": " REJECTED", "reasons": [reason]});
    for reason in PICTURES {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            body["data"]["documentInfo"] = json!({"acceptance": refused(reason)});
        });
        check(&observation, "document_acceptance", reason);
        assert_eq!((observation.status, observation.reason), some(Status::Failed, &reason.to_ascii_lowercase()));
    }
    let of_face = |reason: &str| {
        reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            body["data"]["faceComparisonInfo"] = json!({"acceptance": refused(reason)});
        })
    };
    let forged = ["SELFIE_NOT_LIVE", "PORTRAIT_IS_FAKE"].map(|reason| (reason, Status::Rejected));
    for (reason, status) in FACES.map(|reason| (reason, Status::Failed)).into_iter().chain(forged) {
        let observation = of_face(reason);
        check(&observation, "face_acceptance", reason);
        assert_eq!((observation.status, observation.reason), some(status, &reason.to_ascii_lowercase()));
    }
    assert_eq!(of_face("SELFIE_NOT_LIVE").findings.face.unwrap().liveness, Some(Outcome::Failed));
    for (group, result, reasons) in DOCUMENTS {
        for reason in reasons {
            let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
                let findings = &mut body["data"]["documentInfo"]["findings"];
                findings["documentApproval"] = json!("NOT_APPROVED");
                findings["details"][group] = json!({"result": result, "reasons": [reason]});
            });
            check(&observation, group, reason);
            assert_eq!((observation.status, observation.reason), some(Status::Rejected, &reason.to_ascii_lowercase()));
        }
    }
}

#[test]
fn every_field_that_people_read_has_its_place() {
    let extracted = |path: &str, value: Value| {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            let data = &mut body["data"]["documentInfo"]["extractedData"];
            *data.pointer_mut(path).unwrap() = value;
        });
        (serde_json::to_value(&observation.findings).unwrap(), observation)
    };
    for (path, place) in [
        ("/documentAttributes/countryCodeOfIssuance", "/extracted/issuing_state"),
        ("/documentAttributes/documentNumber", "/extracted/document_number"),
        ("/documentAttributes/documentType", "/document_type"),
        ("/documentAttributes/issuingAuthority", "/extracted/other/issuingAuthority"),
        ("/documentAttributes/stateOrProvinceOfIssuance", "/extracted/other/stateOrProvinceOfIssuance"),
        ("/personAttributes/gender", "/extracted/sex"),
        ("/personAttributes/nationalityCode", "/extracted/nationality"),
        ("/personAttributes/personalGovernmentId", "/extracted/other/personalGovernmentId"),
        ("/personAttributes/placeOfBirth", "/extracted/birth_place"),
        ("/name/firstSurname", "/extracted/other/firstSurname"),
        ("/name/fullName", "/extracted/full_name"),
        ("/name/givenNames", "/extracted/names"),
        ("/name/secondSurname", "/extracted/other/secondSurname"),
        ("/name/surname", "/extracted/surnames"),
        ("/address/parsedAddress/city", "/extracted/other/city"),
        ("/address/parsedAddress/postalCode", "/extracted/other/postalCode"),
        ("/address/parsedAddress/stateOrProvince", "/extracted/other/stateOrProvince"),
    ] {
        let (findings, _) = extracted(path, json!(" ONLY HERE "));
        assert_eq!(findings.pointer(place), Some(&json!("ONLY HERE")), "{path}");
    }
    for (path, place) in [
        ("/documentAttributes/dateOfExpiry", "/extracted/expiry_date"),
        ("/documentAttributes/dateOfIssuance", "/extracted/issue_date"),
        ("/personAttributes/dateOfBirth", "/extracted/birth_date"),
    ] {
        assert_eq!(extracted(path, json!("1970-01-02")).0.pointer(place), Some(&json!("1970-01-02")), "{path}");
    }
    let (first, second) = ("CALLE SIN NOMBRE, 34 23º 17", "28001 MADRID");
    for (line, address) in [
        ("addressLine1", format!("X, {second}")),
        ("addressLine2", format!("{first}, X")),
        ("addressLine3", format!("{first}, {second}, X")),
        ("addressLine4", format!("{first}, {second}, X")),
    ] {
        let (findings, _) = extracted(&format!("/address/unparsedAddress/{line}"), json!("X"));
        assert_eq!(findings["extracted"]["address"], address, "{line}");
        let (_, observation) = extracted(&format!("/address/parsedAddress/{line}"), json!("X"));
        assert_eq!(
            observation,
            reviewed(WITH_FACE, CALLBACK_APPROVED, |_| {}),
            "{line} is read from the other address"
        );
    }
}

#[test]
fn every_word_of_what_people_read_is_kept() {
    let read = |change: fn(&mut Value)| {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            change(&mut body["data"]["documentInfo"]["extractedData"]);
        });
        (observation.findings.document_type, serde_json::to_value(observation.findings.extracted).unwrap())
    };
    let kind = |kind: &'static str| {
        reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            body["data"]["documentInfo"]["extractedData"]["documentAttributes"]["documentType"] = json!(kind);
        })
    };
    for name in ["PASSPORT", "DRIVERS_LICENSE", "IDENTITY_CARD", "RESIDENCE_PERMIT", "HEALTH_SERVICES_CARD"] {
        assert_eq!(kind(name).findings.document_type.as_deref(), Some(name));
    }
    for sex in ["M", "F", "N/B"] {
        let observation = reviewed(WITH_FACE, CALLBACK_APPROVED, |body| {
            body["data"]["documentInfo"]["extractedData"]["personAttributes"]["gender"] = json!(sex);
        });
        assert_eq!(observation.findings.extracted.sex.unwrap().expose(), sex);
    }
    let (_, odd) = read(|data| {
        data["documentAttributes"] = json!({"dateOfExpiry": "never", "documentNumber": 7});
        data["name"] = json!(["x"]);
    });
    assert_eq!((&odd["expiry_date"], &odd["other"]["dateOfExpiry"]), (&Value::Null, &json!("never")));
    assert_eq!((&odd["document_number"], &odd["names"]), (&json!("7"), &Value::Null));
    assert_eq!(odd["birth_date"], "1963-10-31");
}

#[test]
fn the_samples_that_miss_a_comma_are_read_as_they_stand() {
    for (sample, right) in [(CALLBACK_APPROVED, Status::Approved), (CALLBACK_NOT_APPROVED, Status::Rejected)] {
        assert!(serde_json::from_str::<Value>(sample).is_err());
        assert!(called_back(Purpose::Result, "217.75.233.139", sample).is_ok());
        let body = Bytes::from_static(sample.as_bytes());
        let answer = link().read_result(&request(WITH_FACE, json!({"manual": true})), &body, now()).unwrap();
        assert_eq!((answer.observation.status, answer.raw), (right, body));
    }
}

#[test]
fn a_callback_must_match_its_source_url_and_process() {
    const LINKS: &str = "217.75.233.139";
    let result = called_back(Purpose::Result, LINKS, CALLBACK_APPROVED).unwrap();
    assert_eq!((result.process.unwrap().to_string(), result.reference.as_str()), (CALLED_BACK.to_owned(), CALLED_BACK));
    assert_eq!((result.code.as_str(), result.is_result, result.certificate), ("Completed", true, None));
    let told = called_back(Purpose::Certificate, "213.134.38.77", CALLBACK_CERTIFICATION).unwrap();
    let news = CertificateNews { reference: CALLED_BACK.to_owned(), progress: CertificateProgress::Ready };
    assert_eq!((told.is_result, told.certificate), (false, Some(news)));
    assert!(called_back(Purpose::Result, "88.26.209.16", CALLBACK_REJECTED).is_ok());

    for source in ["10.0.0.1", "", "::ffff:217.75.233.139"] {
        let refused = called_back(Purpose::Result, source, CALLBACK_APPROVED);
        assert_eq!(refused, Err(CallbackRefused::Unauthenticated), "{source}");
        let refused = called_back(Purpose::Certificate, source, CALLBACK_CERTIFICATION);
        assert_eq!(refused, Err(CallbackRefused::Unauthenticated), "{source}");
    }
    for (purpose, body) in [
        (Purpose::Certificate, CALLBACK_APPROVED.to_owned()),
        (Purpose::Result, CALLBACK_CERTIFICATION.to_owned()),
        (Purpose::Webhook, CALLBACK_APPROVED.to_owned()),
        (Purpose::Result, CALLBACK_APPROVED.replace(CALLED_BACK, "")),
        (Purpose::Result, "{}".to_owned()),
        (Purpose::Result, "<html>".to_owned()),
        (Purpose::Result, CALLBACK_APPROVED.replace("\"Completed\"", "\"of Carmen Española\"")),
    ] {
        let refused = called_back(purpose, LINKS, &body);
        assert!(matches!(refused, Err(CallbackRefused::Malformed(_))), "{refused:?} for {body}");
    }
    let elsewhere = called_back(Purpose::Result, LINKS, &CALLBACK_APPROVED.replace(CALLED_BACK, VERIFIED));
    assert!(matches!(elsewhere, Err(CallbackRefused::Elsewhere(_))), "{elsewhere:?}");
    let escalated = request_id(CALLED_BACK.parse().unwrap(), Round::Escalated).to_string();
    let second = called_back(Purpose::Certificate, LINKS, &CALLBACK_CERTIFICATION.replace(CALLED_BACK, &escalated));
    let second = second.unwrap();
    assert_eq!((second.reference.as_str(), second.certificate.unwrap().reference), (CALLED_BACK, escalated));
    for (status, progress) in [("Error", CertificateProgress::Failed), ("Processing", CertificateProgress::Making)] {
        let told = called_back(Purpose::Certificate, LINKS, &CALLBACK_CERTIFICATION.replace("Completed", status));
        assert_eq!(told.unwrap().certificate.unwrap().progress, progress);
    }
}

#[test]
fn an_account_is_what_the_secret_says() {
    let account = |value: Value| serde_json::from_value::<LinkAccount>(value);
    assert_eq!(account(json!({"user": "u", "password": "p"})).unwrap().callback_addresses, callback_addresses());
    let other = account(json!({"user": "u", "password": "p", "callback_addresses": ["127.0.0.1"]})).unwrap();
    assert_eq!(other.callback_addresses, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    assert!(account(json!({"user": "u", "password": "p", "pasword": "x"})).is_err());
}

#[tokio::test]
async fn a_token_is_cached_until_it_expires_or_is_refused() {
    let (tokens, asked) = (TokenCache::default(), std::cell::Cell::new(0));
    let get = async |account: &str, refused: Option<SecretString>, seconds: i64| {
        let fetch = async {
            asked.set(asked.get() + 1);
            Ok(Token { value: format!("token {}", asked.get()).into(), life: SignedDuration::from_hours(1) })
        };
        let at = now() + SignedDuration::from_secs(seconds);
        tokens.get(account, refused.as_ref(), at, fetch).await.unwrap().expose_secret().to_owned()
    };
    assert_eq!(get("a", None, 0).await, "token 1");
    assert_eq!(get("a", None, 3539).await, "token 1");
    assert_eq!(get("b", None, 0).await, "token 2", "another account's");
    assert_eq!(get("a", None, 3540).await, "token 3", "a minute before its end");
    assert_eq!(get("a", Some("token 3".to_owned().into()), 3541).await, "token 4", "the refused one");
    assert_eq!(
        get("a", Some("token 3".to_owned().into()), 3542).await,
        "token 4",
        "somebody else renewed it meanwhile"
    );
    let failing =
        tokens.get("c", None, now(), async { Err(ProviderError::Unauthorized { body: RefusalBody::default() }) }).await;
    assert!(matches!(failing, Err(ProviderError::Unauthorized { .. })));
    assert_eq!(get("c", None, 0).await, "token 5", "a failure is not remembered");
}

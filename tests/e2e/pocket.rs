//! A provider that was added by nothing but what CONTRIBUTING.md says, played through the whole system against a stand-in
//! of a few routes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cotejo_sandbox::LinkPicture::{self, Back, Front, Selfie};
use cotejo_tests::{Answer, Customer, World, pocket};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

const PDF: &[u8] =
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
      3 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\nxref\n\
      0 1\n0000000000 65535 f \ntrailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n162\n%%EOF\n";

/// Pocket as a test wants it.
#[derive(Default)]
struct Desk {
    url: String,
    /// The checks' orders; a check's id is its place.
    checks: Vec<Value>,
    /// What it says of any check.
    says: Value,
    photos: BTreeMap<&'static str, Bytes>,
    report: Option<&'static [u8]>,
    /// Every call has its effect and is answered with a 500.
    is_ill: bool,
    requests: usize,
    submissions: usize,
}

type Shared = Arc<Mutex<Desk>>;
type Reply = Result<(StatusCode, Json<Value>), StatusCode>;

/// The desk, if the call has the key, and what to answer with where Pocket is ill.
fn enter<'a>(desk: &'a Shared, headers: &HeaderMap) -> Result<(MutexGuard<'a, Desk>, StatusCode), StatusCode> {
    let mut desk = desk.lock().unwrap();
    desk.requests += 1;
    let status = if desk.is_ill { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    if headers.get("x-pocket-key").is_some_and(|key| key == "secret") {
        Ok((desk, status))
    } else {
        Err(StatusCode::FORBIDDEN)
    }
}

async fn create(State(desk): State<Shared>, headers: HeaderMap, Json(order): Json<Value>) -> Reply {
    let (mut desk, status) = enter(&desk, &headers)?;
    desk.submissions += 1;
    let known = desk.checks.iter().position(|check| check["external_id"] == order["external_id"]);
    let place = known.unwrap_or_else(|| {
        desk.checks.push(order);
        desk.checks.len() - 1
    });
    Ok((status, Json(json!({"check_id": format!("chk-{place}"), "state": "pending"}))))
}

async fn read(State(desk): State<Shared>, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    let (desk, status) = enter(&desk, &headers)?;
    let link = |place| json!({"place": place, "url": format!("{}/photos/{place}?once={}", desk.url, desk.requests)});
    let mut answer = desk.says.clone();
    answer["check_id"] = json!(id);
    answer["photos"] = desk.photos.keys().map(link).collect();
    Ok((status, Json(answer)))
}

/// Pocket and the system that uses it.
struct Scene {
    world: World,
    desk: Shared,
}

impl Scene {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let says = json!({"state": "pending"});
        let desk = Arc::new(Mutex::new(Desk { url: url.clone(), says, ..Desk::default() }));
        let photo =
            async |State(desk): State<Shared>, Path(place): Path<String>| desk.lock().unwrap().photos[&*place].clone();
        let report = async |State(desk): State<Shared>, headers: HeaderMap| {
            enter(&desk, &headers).and_then(|(desk, status)| Ok((status, desk.report.ok_or(StatusCode::NOT_FOUND)?)))
        };
        let health =
            async |State(desk): State<Shared>, headers: HeaderMap| enter(&desk, &headers).map(|(_, status)| status);
        let routes = Router::new()
            .route("/checks", post(create))
            .route("/checks/{id}", get(read))
            .route("/checks/{id}/report.pdf", get(report))
            .route("/photos/{place}", get(photo))
            .route("/health", get(health));
        let served = axum::serve(listener, routes.with_state(desk.clone()));
        tokio::spawn(async move { served.await });
        let world = World::knowing(pocket::PROVIDERS).await;
        let account = json!({"key": "secret", "url": url, "media_hosts": ["127.0.0.1"]});
        world.local.set_account("local", pocket::NAME, account).unwrap();
        Self { world, desk }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap()
    }

    /// A picture; another `script` makes it another one.
    fn draw(&self, kind: LinkPicture, script: &str) -> Bytes {
        self.world.local.sandbox().link_picture(kind, script).unwrap()
    }

    /// A customer's request with the document's front in it.
    fn order(&self) -> Value {
        json!({
            "provider": "pocket",
            "person": {"name": "Carmen Española"},
            "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
            "pictures": {"document_front": {"content": BASE64.encode(self.draw(Front, ""))}},
        })
    }

    /// The same with a face that was uploaded before.
    async fn order_with_selfie(&self) -> Value {
        let selfie = self.draw(Selfie, "");
        let size = json!({"content_type": "image/jpeg", "bytes": selfie.len()});
        let place = self.world.customer.post("/uploads", &size).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut put = client.put(place.result()["url"].as_str().unwrap()).body(selfie);
        for (name, value) in place.result()["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        assert_eq!(put.send().await.unwrap().status(), 200);
        let mut order = self.order();
        order["pictures"]["selfie"] = json!({"upload_id": place.id()});
        order
    }

    /// Creates a process and gives its id.
    async fn create(&self, order: &Value) -> String {
        let created = self.world.customer.create(order).await;
        assert_eq!((created.status, &created.result()["status"]), (201, &json!("in_progress")));
        created.id()
    }

    /// The path of the address that Pocket calls back at about its check number `check`.
    fn callback_path(&self, check: usize) -> String {
        let url = self.desk().checks[check]["notify_url"].as_str().unwrap().to_owned();
        url.strip_prefix(self.world.local.url()).unwrap().to_owned()
    }

    async fn post(&self, path: &str, check_id: &str, state: &str) -> Answer {
        let body = json!({"check_id": check_id, "state": state}).to_string();
        self.world.customer.send(Method::POST, path, &[], Some(body)).await
    }

    /// Pocket says `what` of its first check from now on, and calls back.
    async fn decide(&self, what: Value) {
        let state = what["state"].as_str().unwrap().to_owned();
        self.desk().says = what;
        let answer = self.post(&self.callback_path(0), "chk-0", &state).await;
        assert_eq!((answer.status, &answer.result()["kept"]), (200, &json!(true)));
        self.world.local.pump().await;
    }

    /// How many versions of objects there are in the bucket.
    async fn kept_objects(&self) -> usize {
        let platform = self.world.local.platform("run-work").unwrap();
        let list = platform.aws.s3.list_object_versions().bucket(&platform.config.bucket).send().await.unwrap();
        list.versions().len()
    }
}

#[tokio::test]
async fn an_approval_is_kept_with_every_picture_and_its_certificate() {
    let scene = Scene::new().await;
    let Scene { world, .. } = &scene;
    let mut order = scene.order_with_selfie().await;
    order["options"] = json!({"strict": true});
    let id = scene.create(&order).await;
    let ordered = scene.desk().checks[0].clone();
    assert_eq!((&ordered["external_id"], &ordered["strict"]), (&json!(id), &json!(true)));
    let submitted = [("document_front", scene.draw(Front, "")), ("selfie", scene.draw(Selfie, ""))];
    assert_eq!(ordered["front"], BASE64.encode(&submitted[0].1));
    assert_eq!(ordered["selfie"], BASE64.encode(&submitted[1].1));

    let photos = [
        ("front", scene.draw(Front, "warning")),
        ("selfie", scene.draw(Selfie, "warning")),
        ("frame-3", scene.draw(Back, "")),
    ];
    scene.desk().photos.extend(photos.clone());
    let tests = json!([{"code": "FACE_MATCH", "ok": true}]);
    let holder =
        json!({"number": "99999999R", "name": "CARMEN ESPAÑOLA", "born": "1980-01-01", "expires": "2031-06-02"});
    scene.decide(json!({"state": "pass", "tests": tests, "holder": holder, "report": "ready"})).await;
    let process = world.customer.process(&id).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("complete")));
    assert_eq!(process["certificate"]["state"], "pending");
    let checks = process["findings"]["checks"].as_array().unwrap();
    let passed = |name: &str, source: &str| {
        checks.iter().any(|check| check["name"] == name && check["source"] == source && check["outcome"] == "passed")
    };
    assert!(passed("face_match", "provider"), "{checks:?}");
    for name in ["dni_check_letter", "document_expiry", "legal_age", "number_matches_request"] {
        assert!(passed(name, "computed"), "{name}: {checks:?}");
    }

    let kinds = ["document_front", "selfie", "frame"];
    let theirs = kinds.into_iter().zip(photos.map(|(_, bytes)| bytes));
    let expected: Vec<(&str, Bytes)> = submitted.into_iter().chain(theirs).collect();
    let pieces = process["evidence"].as_array().unwrap().iter().filter(|piece| piece["kind"] != "provider_response");
    let mut kept = Vec::new();
    for piece in pieces {
        let link = world.customer.get(&format!("/processes/{id}/evidence/{}", piece["id"].as_str().unwrap())).await;
        let (status, bytes) = world.customer.open(link.result()["url"].as_str().unwrap()).await;
        assert_eq!(status, 200);
        kept.push((piece["kind"].as_str().unwrap(), bytes));
    }
    assert_eq!(kept.len(), expected.len());
    assert!(expected.iter().all(|picture| kept.contains(picture)), "a copy differs from its original");

    scene.desk().report = Some(PDF);
    world.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(world.customer.process(&id).await["certificate"]["state"], "stored");
    let given = world.customer.get(&format!("/processes/{id}/certificate")).await;
    let downloaded = world.customer.open(given.result()["url"].as_str().unwrap()).await;
    assert_eq!(downloaded, (200, Bytes::from_static(PDF)));
}

#[tokio::test]
async fn a_rejection_has_its_cause() {
    let scene = Scene::new().await;
    let id = scene.create(&scene.order()).await;
    scene.decide(json!({"state": "fail", "cause": "DOCUMENT_COPIED"})).await;
    let process = scene.world.customer.process(&id).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("rejected"), &json!("DOCUMENT_COPIED")));
}

#[tokio::test]
async fn a_review_is_ended_by_the_customer_s_own_reviewer() {
    let scene = Scene::new().await;
    let id = scene.create(&scene.order()).await;
    scene.decide(json!({"state": "review"})).await;
    assert_eq!(scene.world.customer.process(&id).await["status"], "in_review");
    let decided = scene.world.customer.decide(&id, &json!({"decision": "approved", "reason": "seen in person"})).await;
    assert_eq!((decided.status, &decided.result()["status"]), (200, &json!("approved")));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_neither_stored_nor_sent() {
    let scene = Scene::new().await;
    for (options, problem) in [(json!({"strict": "very"}), "options.strict"), (json!({"fast": true}), "options.fast")] {
        let mut order = scene.order();
        (order["options"], order["pictures"]) = (options, json!({}));
        let answer = scene.world.customer.create(&order).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![problem, "pictures.document_front"]));
    }
    scene.world.catch_up();
    assert_eq!(scene.world.customer.get("/processes").await.result()["data"], json!([]));
    assert_eq!((scene.kept_objects().await, scene.desk().requests), (0, 0));
}

#[tokio::test]
async fn a_submission_that_was_answered_with_an_error_is_repeated_after_its_lease() {
    let scene = Scene::new().await;
    scene.desk().is_ill = true;
    let created = scene.world.customer.create(&scene.order()).await;
    assert_eq!((created.status, &created.result()["status"]), (202, &json!("submitting")));
    scene.desk().is_ill = false;
    scene.world.pass(SignedDuration::from_secs(59)).await;
    assert_eq!(scene.desk().submissions, 1);
    scene.world.pass(SignedDuration::from_secs(2)).await;
    let process = scene.world.customer.process(&created.id()).await;
    assert_eq!((&process["status"], &process["provider_reference"]), (&json!("in_progress"), &json!("chk-0")));
    let desk = scene.desk();
    assert_eq!((desk.submissions, desk.checks.len()), (2, 1));
    assert_eq!(desk.checks[0]["front"], BASE64.encode(scene.draw(Front, "")));
}

#[tokio::test]
async fn a_callback_at_a_forged_address_is_refused_and_one_about_another_check_changes_nothing() {
    let scene = Scene::new().await;
    let (first, second) = (scene.create(&scene.order()).await, scene.create(&scene.order()).await);
    scene.world.local.pump().await;
    scene.desk().says = json!({"state": "pass"});
    let (path, before) = (scene.callback_path(0), scene.desk().requests);
    for forged in [path.replace(&first, &second), path.replace(".result.", ".certificate."), format!("{path}A")] {
        let answer = scene.post(&forged, "chk-0", "pass").await;
        assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"));
    }
    for other in ["chk-7", "chk-1"] {
        let answer = scene.post(&path, other, "pass").await;
        assert_eq!((answer.status, &answer.result()["kept"]), (200, &json!(false)), "{other}");
    }
    scene.world.local.pump().await;
    assert_eq!(scene.desk().requests, before);
    assert_eq!(scene.world.customer.process(&first).await["status"], "in_progress");
}

#[tokio::test]
async fn a_tenant_without_an_account_there_cannot_use_it() {
    let scene = Scene::new().await;
    let other = scene.world.local.add_tenant("other").await.unwrap();
    let answer = Customer::new(scene.world.local.url(), &other.api_key).create(&scene.order()).await;
    assert_eq!((answer.status, answer.fields()), (422, vec!["provider"]));
    assert_eq!(scene.desk().requests, 0);
}

#[tokio::test]
async fn its_health_is_what_it_says_itself() {
    let scene = Scene::new().await;
    let health = async || scene.world.customer.get("/providers/pocket/health").await.result().clone();
    assert_eq!(health().await, json!({"provider": "pocket", "healthy": true}));
    scene.desk().is_ill = true;
    assert_eq!(health().await, json!({"provider": "pocket", "healthy": false, "trouble": "unavailable"}));
}

#[tokio::test]
async fn redaction_leaves_nothing_in_the_bucket() {
    let scene = Scene::new().await;
    let id = scene.create(&scene.order_with_selfie().await).await;
    scene.desk().photos.insert("front", scene.draw(Front, "warning"));
    scene.desk().report = Some(PDF);
    scene.decide(json!({"state": "pass", "report": "ready"})).await;
    // Two pictures of the customer's, one of them as an upload too, and Pocket's picture, answer and certificate.
    assert_eq!(scene.kept_objects().await, 6);
    assert_eq!(scene.world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await.status, 200);
    scene.world.local.pump().await;
    assert_eq!(scene.kept_objects().await, 0);
    scene.world.pass(SignedDuration::from_mins(21)).await;
    let process = scene.world.customer.process(&id).await;
    assert_eq!(process["timeline"].as_array().unwrap().last().unwrap()["event"], "redaction_completed");
    let mut pieces = process["evidence"].as_array().unwrap().iter();
    assert!(pieces.all(|piece| piece["state"] == "redacted"), "{process}");
    assert_eq!(scene.kept_objects().await, 0);
}

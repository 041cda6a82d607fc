//! The stand-ins as their callers see them: a real listener on loopback, a real HTTP client, a receiver of webhooks,
//! and a clock that stands still until a test moves it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod auco_calls;
mod auco_faults;
mod auco_outcomes;
mod auco_pictures;
mod auco_webhooks;
mod link;
mod link_callbacks;
mod link_calls;
mod link_certificates;
mod link_faults;
mod link_outcomes;
mod restart;
mod tecalis;
mod tecalis_video;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use http::{HeaderMap, StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::*;

/// Takes webhooks: answers what it was told, else 200, and keeps everything.
#[derive(Clone, Default)]
struct Receiver {
    got: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    paths: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let app = Router::new().fallback(receive).with_state(self.clone());
        serve(app).await
    }

    fn answer_with(&self, answers: &[u16]) {
        *self.answers.lock().unwrap() = answers.iter().map(|code| StatusCode::from_u16(*code).unwrap()).collect();
    }

    /// Takes out the statuses that arrived so far.
    fn statuses(&self) -> Vec<String> {
        self.bodies().iter().map(|body| body["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The paths that were called since the beginning.
    fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }

    fn bodies(&self) -> Vec<Value> {
        self.got.lock().unwrap().drain(..).map(|(_, body)| body).collect()
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    receiver.paths.lock().unwrap().push(uri.path().to_owned());
    receiver.got.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    let code = receiver.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::new();
    if code.is_redirection() {
        headers.insert("location", "/elsewhere".parse().unwrap());
    }
    (code, headers)
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// A sandbox with everything around it.
struct World {
    sandbox: Sandbox,
    clock: Arc<Mutex<Timestamp>>,
    base: String,
    receiver: Receiver,
    receiver_url: String,
    client: reqwest::Client,
}

impl World {
    async fn new() -> World {
        World::with(None, |_| {}).await
    }

    async fn with(state_file: Option<PathBuf>, change: impl FnOnce(&mut Times)) -> World {
        let clock = Arc::new(Mutex::new("2026-11-02T10:00:00Z".parse().unwrap()));
        let mut times = Times { slow: Duration::from_millis(20), ..Times::default() };
        change(&mut times);
        let receiver = Receiver::default();
        let url = receiver.listen().await;
        let header = Some(("x-auco-secret".to_owned(), "s3cret".to_owned()));
        let webhooks = vec![
            Webhook { id: "main".to_owned(), url: format!("{url}/main"), default: true, header },
            Webhook { id: "other".to_owned(), url: format!("{url}/other"), default: false, header: None },
        ];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let hand = clock.clone();
        let sandbox = Sandbox::open(SandboxConfig {
            base_url: base.clone(),
            state_file,
            now: Arc::new(move || *hand.lock().unwrap()),
            seed: 11,
            times,
            auco: AucoAccount { public_key: "puk_1".to_owned(), private_key: "prk_1".to_owned(), webhooks },
            link: LinkAccount { user: "bank".to_owned(), password: "secret".to_owned(), refuse_with_401: false },
            tecalis_api_key: "key_1".to_owned(),
        })
        .unwrap();
        let app = sandbox.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        World { sandbox, clock, base, receiver, receiver_url: url, client }
    }

    /// Moves the clock, then lets happen what is due.
    async fn pass(&self, time: SignedDuration) -> usize {
        let later = *self.clock.lock().unwrap() + time;
        *self.clock.lock().unwrap() = later;
        self.sandbox.tick().await
    }

    /// Goes from one due time to the next until nothing is due within a month.
    async fn play_out(&self) {
        let end = *self.clock.lock().unwrap() + SignedDuration::from_hours(30 * 24);
        while let Some(due) = self.sandbox.next_due().filter(|due| *due < end) {
            let now = *self.clock.lock().unwrap();
            *self.clock.lock().unwrap() = due.max(now);
            assert!(self.sandbox.tick().await > 0, "what is due is done");
        }
    }

    fn order(script: &str) -> Value {
        json!({
            "email": "prueba@auco.ai", "platform": "whatsapp", "name": "Juan Pérez", "phone": "+573003003030",
            "country": "CO", "type": "CC", "identification": "1001001010", "userEmail": "juan.perez@gmail.com",
            "custom": {"cotejo_id": "p1", "sandbox": script}, "tags": ["t1"],
        })
    }

    async fn post(&self, key: &str, body: String) -> reqwest::Response {
        let url = format!("{}/auco/v1.5/ext/veriface", self.base);
        self.client.post(url).header("authorization", key).body(body).send().await.unwrap()
    }

    async fn create(&self, script: &str) -> String {
        let answer = self.post("prk_1", World::order(script).to_string()).await;
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned()
    }

    async fn get(&self, key: &str, code: &str) -> reqwest::Response {
        let url = format!("{}/auco/v1.5/ext/veriface?code={code}", self.base);
        self.client.get(url).header("authorization", key).send().await.unwrap()
    }

    async fn query(&self, code: &str) -> Value {
        let answer = self.get("puk_1", code).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn download(&self, link: &Value) -> reqwest::Response {
        self.client.get(link.as_str().unwrap()).send().await.unwrap()
    }

    /// The link to the first attempt's face.
    async fn photo(&self, code: &str) -> Value {
        self.query(code).await["attempts"][0]["photo"].clone()
    }
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

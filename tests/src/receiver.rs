//! A customer's endpoint: it stores webhooks and gives the configured answer.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::sync::watch;

/// What the endpoint was sent.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    /// The body, to the byte.
    pub body: Bytes,
    /// What it was answered with; 0 for nothing.
    pub status: u16,
}

impl Received {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    #[must_use]
    pub fn event(&self) -> String {
        self.json()["event"].as_str().unwrap().to_owned()
    }
}

/// What happens when a webhook comes.
type Hook = Box<dyn FnOnce() + Send>;

/// Status and further headers.
type Reply = (u16, Vec<(&'static str, String)>);

struct Shared {
    hook: Mutex<Option<Hook>>,
    received: Mutex<Vec<Received>>,
    /// Nothing where it hangs.
    answer: Mutex<Option<Reply>>,
    hung: watch::Sender<usize>,
    taken: watch::Sender<usize>,
}

/// The endpoint. It is up as long as the test is.
#[derive(Clone)]
pub struct Receiver {
    url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// An endpoint that answers 200.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            hook: Mutex::default(),
            received: Mutex::default(),
            answer: Mutex::new(Some((200, Vec::new()))),
            hung: watch::Sender::new(0),
            taken: watch::Sender::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers `status` from now on.
    pub fn answer(&self, status: u16) {
        *lock(&self.shared.answer) = Some((status, Vec::new()));
    }

    /// Answers `status` with a header from now on.
    pub fn answer_with(&self, status: u16, name: &'static str, value: &str) {
        *lock(&self.shared.answer) = Some((status, vec![(name, value.to_owned())]));
    }

    /// Takes webhooks from now on, and never answers.
    pub fn hang(&self) {
        *lock(&self.shared.answer) = None;
    }

    /// Returns once so many have waited for an answer in vain.
    pub async fn hung(&self, count: usize) {
        self.shared.hung.subscribe().wait_for(|hung| *hung >= count).await.unwrap();
    }

    /// Returns once so many were taken.
    pub async fn has_taken(&self, count: usize) {
        self.shared.taken.subscribe().wait_for(|taken| *taken >= count).await.unwrap();
    }

    /// Runs `what` before the next webhook is answered.
    pub fn when_next(&self, what: impl FnOnce() + Send + 'static) {
        *lock(&self.shared.hook) = Some(Box::new(what));
    }

    /// All webhooks that arrived, whatever the answer was.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// What came and was taken.
    #[must_use]
    pub fn taken(&self) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.status == 200).collect()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(hook) = lock(&shared.hook).take() {
        hook();
    }
    let answer = lock(&shared.answer).clone();
    let Some((status, more)) = answer else {
        lock(&shared.received).push(Received { headers, body, status: 0 });
        shared.hung.send_modify(|hung| *hung += 1);
        return std::future::pending().await;
    };
    lock(&shared.received).push(Received { headers, body, status });
    if status == 200 {
        shared.taken.send_modify(|taken| *taken += 1);
    }
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    for (name, value) in more {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The functions' way to the providers and to a customer's endpoint, watched and disturbed: a server between them.
//!
//! Links in the providers' answers are made to lead here too, so that downloads are calls like all others.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, redirect::Policy};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::wire::{Call, Disturbance, When, Wire};

/// The largest body that goes through.
const MOST_BYTES: usize = 64 << 20;

/// The server. It ends when this is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    url: String,
    sandbox: OnceLock<String>,
    hooks: OnceLock<String>,
    http: Client,
    wire: Wire,
}

impl Proxy {
    /// Serves on a free port, and leads nowhere yet.
    pub async fn start(wire: Wire) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let shared = Arc::new(Shared { url, sandbox: OnceLock::new(), hooks: OnceLock::new(), http, wire });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { shared, server }
    }

    /// The settings that make the functions call the providers through the proxy.
    #[must_use]
    pub fn overrides(&self) -> HashMap<String, String> {
        let paths =
            [("COTEJO_AUCO_URL", "/auco/v1.5/ext"), ("COTEJO_LINK_URL", "/link"), ("COTEJO_TECALIS_URL", "/tecalis")];
        paths.map(|(name, path)| (name.to_owned(), format!("{}{path}", self.shared.url))).into()
    }

    /// Where everything goes from now on.
    pub fn lead_to(&self, sandbox_url: &str) {
        self.shared.sandbox.set(sandbox_url.to_owned()).unwrap();
    }

    /// Where webhooks go that are sent to the address this gives.
    pub fn lead_hooks_to(&self, receiver_url: &str) -> String {
        let (server, _) = receiver_url.rsplit_once("/hooks").unwrap();
        self.shared.hooks.set(server.to_owned()).unwrap();
        format!("{}/hooks", self.shared.url)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BYTES).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let provider = parts.uri.path().split('/').nth(1).unwrap_or_default();
    let about = ["files", "token", "verify", "certificate", "veriface", "customer"];
    let about = about.into_iter().find(|about| path.contains(about)).unwrap_or_default();
    let call = Call { operation: format!("{provider} {}", parts.method), about: about.to_owned() };
    let disturbance = shared.wire.note(call);
    let send = || shared.send(&parts, path, body.clone());
    match disturbance {
        None => send().await,
        Some(Disturbance::Interleave(what)) => {
            what().await;
            send().await
        }
        Some(Disturbance::Throttle | Disturbance::Refuse(..)) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")]).into_response()
        }
        Some(Disturbance::Answer(status, body)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Some(Disturbance::Fail(When::Before)) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Disturbance::Fail(When::After) | Disturbance::LoseAnswer) => {
            send().await;
            StatusCode::BAD_GATEWAY.into_response()
        }
        Some(Disturbance::Crash(when)) => {
            if when == When::After {
                send().await;
            }
            shared.wire.crash();
            std::future::pending().await
        }
    }
}

impl Shared {
    async fn send(&self, parts: &http::request::Parts, path: &str, body: Bytes) -> Response {
        let server = if path.starts_with("/hooks") { &self.hooks } else { &self.sandbox };
        let sandbox = server.get().unwrap();
        let mut headers = parts.headers.clone();
        headers.remove(header::HOST);
        let request = self.http.request(parts.method.clone(), format!("{sandbox}{path}")).headers(headers).body(body);
        // A picture that ends half way ends here half way.
        let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let Ok(body) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
        let is_json =
            headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let body = if is_json { self.with_links_to_here(sandbox, &body) } else { body };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = kept(headers);
        response
    }

    fn with_links_to_here(&self, sandbox: &str, body: &Bytes) -> Bytes {
        match std::str::from_utf8(body) {
            Ok(text) => text.replace(sandbox, &self.url).into(),
            Err(_) => body.clone(),
        }
    }
}

/// All but what is about the one connection, and the length, which may be another.
fn kept(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    headers
}

//! The connectors' public doors, and a provider that answers every call with one body.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cotejo::{
    process::{EvidenceKind, ProcessId, ProcessRequest},
    providers::{ApiClient, Picture, Provider, auco::Auco, link::Link, tecalis::Tecalis, token::TokenCache},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A provider that answers every call with the same status and body.
#[derive(Clone)]
pub struct Answering {
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
    address: SocketAddr,
}

impl Answering {
    /// Serves until the runtime ends.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new((200, Vec::new())));
        let shared = Arc::clone(&answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { answer, address }
    }

    /// Answers with this from now on.
    pub fn answer(&self, status: u16, body: Vec<u8>) {
        *self.answer.lock().unwrap() = (status, body);
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers request after request on one connection.
async fn serve(mut stream: TcpStream, answer: Arc<Mutex<(u16, Vec<u8>)>>) {
    let mut received = Vec::new();
    loop {
        while let Some(length) = whole_request(&received) {
            received.drain(..length);
            let (status, body) = answer.lock().unwrap().clone();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                return;
            }
        }
        let mut chunk = [0; 16 * 1024];
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => received.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
}

/// How long the first request is, once all of it is there.
fn whole_request(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    (received.len() >= head + length).then_some(head + length)
}

/// When everything happens.
#[must_use]
pub fn now() -> Timestamp {
    "2026-11-02T09:00:00Z".parse().unwrap()
}

/// The providers that can be asked, each with what its samples are called.
#[must_use]
pub fn accounts(url: &str) -> Vec<(&'static str, Box<dyn Provider>)> {
    let auco = json!({"public_key": "puk", "private_key": "prk", "webhook_id": "cotejo", "media_hosts": ["x.example"]});
    let tecalis = json!({"api_key": "key", "media_hosts": ["x.example"]});
    vec![
        ("auco", Box::new(Auco::new(ApiClient::new("auco"), url, serde_json::from_value(auco).unwrap()))),
        ("link", Box::new(at_link(url))),
        ("tecalis", Box::new(Tecalis::new(ApiClient::new("tecalis"), url, serde_json::from_value(tecalis).unwrap()))),
    ]
}

/// The account at LINK, with no token yet.
#[must_use]
pub fn at_link(url: &str) -> Link {
    let account = json!({"user": "user", "password": "password", "callback_addresses": ["127.0.0.1"]});
    Link::new(ApiClient::new("link"), TokenCache::default(), url, serde_json::from_value(account).unwrap())
}

/// The authorization in Tecalis's sample.
#[must_use]
pub fn authorization() -> String {
    let (_, sample) = crate::SAMPLES.iter().find(|(name, _)| name.ends_with("customer")).unwrap();
    let sample: Value = serde_json::from_str(sample).unwrap();
    find_uuid(&sample).unwrap()
}

fn find_uuid(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => uuid::Uuid::try_parse(text).ok().map(|_| text.clone()),
        Value::Array(items) => items.iter().find_map(find_uuid),
        Value::Object(fields) => fields.get("auth").and_then(find_uuid).or_else(|| fields.values().find_map(find_uuid)),
        _ => None,
    }
}

/// What is submitted to `provider`.
#[must_use]
pub fn new_process(provider: &str) -> (ProcessId, ProcessRequest) {
    let options = match provider {
        "auco" => json!({"platform": "whatsapp", "email": "x@example.com"}),
        "link" => json!({"certify": true, "manual_on_warning": true}),
        _ => json!({"auth_uuid": authorization()}),
    };
    let mut request: ProcessRequest = serde_json::from_value(json!({
        "provider": provider,
        "person": {"name": "Carmen Española", "phone": "+573003003030"},
        "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
        "options": options,
    }))
    .unwrap();
    if provider == "link" {
        request.pictures = pictures().into_iter().map(|picture| picture.kind).collect();
    }
    (ProcessId(uuid::Uuid::from_u128(7)), request)
}

/// Three pictures that nobody looks at.
#[must_use]
pub fn pictures() -> Vec<Picture> {
    let kinds = [EvidenceKind::DocumentFront, EvidenceKind::DocumentBack, EvidenceKind::Selfie];
    kinds.map(|kind| Picture { kind, bytes: Bytes::from_static(b"\xff\xd8\xff\xe0") }).into()
}

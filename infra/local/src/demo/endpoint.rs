//! The customer's endpoint in the demo: it takes webhooks and checks their signatures.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use cotejo::{
    notify::{signature, topic::TOPICS},
    platform::Entropy as _,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{api::Api, text};

/// What came: headers and body.
type Came = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// The endpoint, and the notification channel that sends to it.
pub(super) struct Endpoint {
    channel: String,
    secret: String,
    came: Came,
}

impl Endpoint {
    /// Listens on a free port, and creates a channel for all events of the tenant.
    pub(super) async fn listen(api: &Api) -> Result<Self, String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let came = Came::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&came));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let secret = signature::new_secret(&cotejo::platform::SystemEntropy);
        let secret = secrecy::ExposeSecret::expose_secret(&secret).to_owned();
        let channel = json!({
            "name": format!("demo {}", cotejo::platform::SystemEntropy.uuid().simple()), "type": "webhook", "active": true,
            "events": TOPICS, "config": {"url": format!("http://{address}/hooks"), "secret": secret}
        });
        let channel = text(&api.post("/notification-channels", &channel).await?, "id");
        Ok(Self { channel, secret, came })
    }

    /// The webhooks so far, by event id, with the number of times each arrived.
    ///
    /// # Errors
    /// A signature does not fit.
    pub(super) fn events(&self) -> Result<BTreeMap<String, (Value, usize)>, String> {
        let mut events = BTreeMap::new();
        for (headers, body) in self.came.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
            let at = at.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            let signed =
                id.parse().ok().zip(at).map(|(id, at)| signature::sign(&[self.secret.as_str().into()], id, at, body));
            if signed.as_deref() != Some(header("webhook-signature")) {
                return Err(format!("the signature of the webhook {id} does not fit"));
            }
            let body: Value = serde_json::from_str(body).map_err(|error| format!("a webhook's body: {error}"))?;
            events.entry(id.to_owned()).or_insert((body, 0)).1 += 1;
        }
        Ok(events)
    }

    /// Deletes the channel.
    pub(super) async fn end(&self, api: &Api) -> Result<(), String> {
        let path = format!("/notification-channels/{}", self.channel);
        api.put(&path, &json!({"active": false})).await.map(|_| ())
    }
}

async fn take(State(came): State<Came>, headers: HeaderMap, body: String) -> StatusCode {
    came.lock().unwrap_or_else(PoisonError::into_inner).push((headers, body));
    StatusCode::OK
}

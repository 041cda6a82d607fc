//! The demo's HTTP calls: to Cotejo as a customer, to the provider with the account's key, and to links.

use std::time::Duration;

use bytes::Bytes;
use cotejo::platform::Entropy as _;
use serde_json::{Value, json};

use super::providers::Provider;
use crate::runtime::Local;

/// A client with the tenant's keys.
pub(super) struct Api {
    client: reqwest::Client,
    url: String,
    key: String,
    auco_url: String,
    auco_key: String,
    tecalis_url: String,
    tecalis_key: String,
}

impl Api {
    pub(super) fn new(local: &Local) -> Result<Self, String> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(35)).build();
        Ok(Self {
            client: client.map_err(|error| error.to_string())?,
            url: local.url().to_owned(),
            key: local.api_key().to_owned(),
            auco_url: Provider::Auco.url(local),
            auco_key: local.auco_public_key().to_owned(),
            tecalis_url: Provider::Tecalis.url(local),
            tecalis_key: local.tecalis_api_key().to_owned(),
        })
    }

    pub(super) async fn create(&self, body: &Value) -> Result<Value, String> {
        let request = self.client.post(format!("{}/processes", self.url)).bearer_auth(&self.key);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("Idempotency-Key", cotejo::platform::SystemEntropy.uuid().to_string());
        result(request.body(body.to_string())).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        result(self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.key).json(body)).await
    }

    /// Reads the resource at `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, String> {
        result(self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, String> {
        result(self.client.put(format!("{}{path}", self.url)).bearer_auth(&self.key).json(body)).await
    }

    /// A process as it stands; with `refresh` the provider is asked again in the background.
    pub(super) async fn process(&self, id: &str, refresh: bool) -> Result<Value, String> {
        let request = self.client.get(format!("{}/processes/{id}", self.url)).bearer_auth(&self.key);
        result(if refresh { request.query(&[("refresh", "true")]) } else { request }).await
    }

    /// Uploads a file, and gives the id under which a process may use it.
    pub(super) async fn upload(&self, content_type: &str, content: Bytes) -> Result<String, String> {
        let body = json!({"content_type": content_type, "bytes": content.len()});
        let place =
            result(self.client.post(format!("{}/uploads", self.url)).bearer_auth(&self.key).json(&body)).await?;
        let mut request = self.client.put(place["url"].as_str().unwrap_or_default());
        for (name, value) in place["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        match fetch(request.body(content)).await? {
            (200, _) => Ok(place["id"].as_str().unwrap_or_default().to_owned()),
            (status, _) => Err(format!("an upload is answered {status}")),
        }
    }

    /// Downloads evidence through the link that the API gives at `path`.
    pub(super) async fn kept(&self, path: &str) -> Result<Vec<u8>, String> {
        let link = result(self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await?;
        self.download(link["url"].as_str().unwrap_or_default()).await
    }

    /// Auco's answer about a process, with fresh links.
    pub(super) async fn ask_auco(&self, code: &str) -> Result<Value, String> {
        let request = self.client.get(format!("{}/veriface", self.auco_url)).query(&[("code", code)]);
        provider_says(request.header("Authorization", &self.auco_key)).await
    }

    /// Tecalis's answer about an authorization, with fresh links.
    pub(super) async fn ask_tecalis(&self, authorization: &str) -> Result<Value, String> {
        let request = self.client.post(format!("{}/customer?data=images,video", self.tecalis_url));
        provider_says(request.json(&json!({"auth_uuid": authorization, "api_key": self.tecalis_key}))).await
    }

    /// A new authorization in the sandbox's Tecalis.
    pub(super) async fn authorize(&self, script: &str) -> Result<String, String> {
        let sandbox = self.tecalis_url.trim_end_matches("/tecalis");
        let request = self.client.post(format!("{sandbox}/_sandbox/tecalis/authorizations"));
        let answer = provider_says(request.json(&json!({"script": script}))).await?;
        Ok(answer["auth_uuid"].as_str().unwrap_or_default().to_owned())
    }

    pub(super) async fn download(&self, link: &str) -> Result<Vec<u8>, String> {
        match fetch(self.client.get(link)).await? {
            (200, body) => Ok(body),
            (status, _) => Err(format!("a link that must open answers {status}")),
        }
    }

    pub(super) async fn status(&self, link: &str) -> Result<u16, String> {
        fetch(self.client.get(link)).await.map(|(status, _)| status)
    }
}

async fn provider_says(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let (_, body) = fetch(request).await?;
    serde_json::from_slice(&body).map_err(|error| format!("the provider's answer is not JSON: {error}"))
}

/// The `result` of our envelope.
async fn result(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let (status, body) = fetch(request).await?;
    let mut body: Value = serde_json::from_slice(&body).map_err(|error| format!("answer {status}: {error}"))?;
    if body["success"] == true { Ok(body["result"].take()) } else { Err(format!("answer {status}: {body}")) }
}

async fn fetch(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), String> {
    // Without the URL: a link is a secret until it expires.
    let failed = |error: reqwest::Error| format!("no answer: {}", error.without_url());
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    Ok((status, answer.bytes().await.map_err(failed)?.to_vec()))
}

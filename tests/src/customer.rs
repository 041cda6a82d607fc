//! A customer: an API key and an HTTP client.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cotejo_sandbox::{LinkPicture, Sandbox};
use http::HeaderMap;
use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The result of a success.
    #[must_use]
    pub fn result(&self) -> &Value {
        assert_eq!(self.body["success"], true, "{}", self.body);
        &self.body["result"]
    }

    /// The id in the result.
    #[must_use]
    pub fn id(&self) -> String {
        self.result()["id"].as_str().unwrap().to_owned()
    }

    #[must_use]
    pub fn error_code(&self) -> &str {
        assert_eq!(self.body["success"], false, "{}", self.body);
        self.body["error_code"].as_str().unwrap()
    }

    /// The fields that a failure names.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let fields = self.body["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        fields.iter().map(|field| field["field"].as_str().unwrap()).collect()
    }
}

/// Somebody with an API key.
#[derive(Clone)]
pub struct Customer {
    http: Client,
    url: String,
    key: String,
}

impl Customer {
    /// Talks to `url` with `key`.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, url: url.to_owned(), key: key.to_owned() }
    }

    /// Sends anything.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        Self::answer(request.send().await.unwrap()).await
    }

    /// Sends anything with the key.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.send(method, path, &[("x-api-key", &self.key)], body.map(Value::to_string)).await
    }

    /// The same with a body as it stands.
    pub async fn call_as(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        self.send(method, path, &[("x-api-key", &self.key)], body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[("x-api-key", &self.key)], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("x-api-key", &self.key)], Some(body.to_string())).await
    }

    /// `POST path` with a body as it is.
    pub async fn post_text(&self, path: &str, body: String) -> Answer {
        self.send(Method::POST, path, &[("x-api-key", &self.key)], Some(body)).await
    }

    /// `POST path` with a form of named parts; a part whose name has `file` in it is a file.
    pub async fn post_form(&self, path: &str, parts: &[(&str, impl AsRef<[u8]>)]) -> Answer {
        self.send_form(path, &[], parts).await
    }

    /// The same with an `Idempotency-Key`.
    pub async fn post_form_once(&self, path: &str, key: &str, parts: &[(&str, impl AsRef<[u8]>)]) -> Answer {
        self.send_form(path, &[("idempotency-key", key)], parts).await
    }

    async fn send_form(&self, path: &str, headers: &[(&str, &str)], parts: &[(&str, impl AsRef<[u8]>)]) -> Answer {
        let mut body = Vec::new();
        for (name, content) in parts {
            let file = if name.contains("file") { "; filename=\"rows\"" } else { "" };
            body.extend(
                format!("--parts\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes(),
            );
            body.extend_from_slice(content.as_ref());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--parts--\r\n");
        let kind = "multipart/form-data; boundary=parts";
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", kind);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Self::answer(request.header("x-api-key", &self.key).body(body).send().await.unwrap()).await
    }

    async fn answer(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null), text }
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[("x-api-key", &self.key)], Some(body.to_string())).await
    }

    /// Uploads `body` to the URL of `POST /uploads`, with its headers, and gives the status.
    pub async fn upload(&self, place: &Value, body: bytes::Bytes) -> u16 {
        let mut request = self.http.put(place["url"].as_str().unwrap());
        for (name, value) in place["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.body(body).send().await.unwrap().status().as_u16()
    }

    pub async fn create(&self, body: &Value) -> Answer {
        self.post("/processes", body).await
    }

    /// `POST path` with an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("x-api-key", self.key.as_str()), ("idempotency-key", key)];
        self.send(Method::POST, path, &headers, Some(body.to_string())).await
    }

    /// `POST /processes` with an `Idempotency-Key`.
    pub async fn create_once(&self, key: &str, body: &Value) -> Answer {
        self.post_once("/processes", key, body).await
    }

    /// `POST /processes/{id}/decision`.
    pub async fn decide(&self, id: &str, body: &Value) -> Answer {
        self.post(&format!("/processes/{id}/decision"), body).await
    }

    /// A process as it stands.
    pub async fn process(&self, id: &str) -> Value {
        self.get(&format!("/processes/{id}")).await.result().clone()
    }

    /// `GET path`, as it comes.
    pub async fn fetch(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).header("x-api-key", &self.key).send().await.unwrap()
    }

    /// The bytes behind a link, which needs no key, and the status it answers with.
    pub async fn open(&self, link: &str) -> (u16, bytes::Bytes) {
        let response = self.http.get(link).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap())
    }
}

/// The request body for an Auco process that follows `script`.
#[must_use]
pub fn order(script: &str) -> Value {
    json!({
        "provider": "auco",
        "person": {"name": "Juan Pérez", "phone": "+573003003030", "email": "juan.perez@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1001001010"},
        "options": {"platform": "whatsapp", "email": "prueba@example.com", "custom": {"sandbox": script}},
    })
}

/// What has LINK verify the document on pictures that go by `script`: front and back, and a selfie where `face` says so.
#[must_use]
pub fn link_order(sandbox: &Sandbox, script: &str, face: bool, options: &Value) -> Value {
    let content = |kind| json!({"content": BASE64.encode(sandbox.link_picture(kind, script).unwrap())});
    let mut pictures =
        json!({"document_front": content(LinkPicture::Front), "document_back": content(LinkPicture::Back)});
    if face {
        pictures["selfie"] = content(LinkPicture::Selfie);
    }
    json!({
        "provider": "link",
        "person": {"name": "Carmen Española Española"},
        "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
        "options": options,
        "pictures": pictures,
    })
}

/// What follows an authorization at Tecalis.
#[must_use]
pub fn tecalis_order(authorization: &str) -> Value {
    json!({
        "provider": "tecalis",
        "person": {"name": "Carmen Española Española", "email": "carmen@example.com"},
        "document": {"country": "ES", "type": "DNI", "number": "99999999R"},
        "options": {"auth_uuid": authorization},
    })
}

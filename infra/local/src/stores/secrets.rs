//! Secrets Manager, as far as the functions use it: `GetSecretValue` of one secret, which is a file.
//!
//! The file is written on the first start, with keys of its own, and readable by its owner only. It is read anew for
//! every request, so that an edited file counts as soon as the functions ask again.

use std::{collections::BTreeMap, io, net::IpAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cotejo::platform::Entropy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::data::{read_json, write_private};

/// The secret's file. Its shape is [`cotejo::platform::secrets::SecretDocument`], which can be read and not written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretFile {
    callback_keys: Vec<Value>,
    fingerprint_key: String,
    /// The accounts by tenant.
    pub tenants: BTreeMap<String, TenantAccounts>,
}

/// One tenant's accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TenantAccounts {
    /// At Auco.
    pub auco: AucoAccount,
    /// At Tecalis; a file of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tecalis: Option<TecalisAccount>,
    /// At LINK; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkAccount>,
    /// What else is set up for the tenant: its settings, and accounts that somebody added.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// An account at LINK.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkAccount {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// Where callbacks come from.
    pub callback_addresses: Vec<IpAddr>,
}

/// An account at Tecalis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TecalisAccount {
    /// What opens the account's authorizations.
    pub api_key: String,
    /// Hosts that pictures may come from.
    pub media_hosts: Vec<String>,
}

/// An account at Auco.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AucoAccount {
    /// `puk_…`.
    pub public_key: String,
    /// `prk_…`.
    pub private_key: String,
    /// E-mail of the user in whose name processes are created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator_email: Option<String>,
    /// The id of our webhook at Auco.
    pub webhook_id: String,
    /// Hosts that pictures may come from.
    pub media_hosts: Vec<String>,
}

/// The secret and the server that gives it out.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    path: PathBuf,
    /// One writer at a time.
    writing: std::sync::Mutex<()>,
}

impl Secrets {
    /// Opens the file at `path`, or makes it with fresh keys and no tenants, to be given out under the name `id`.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: PathBuf, id: String, entropy: &dyn Entropy) -> io::Result<Self> {
        let secrets = Self { inner: Arc::new(Inner { id, path, writing: std::sync::Mutex::new(()) }) };
        if read_json::<SecretFile>(&secrets.inner.path)?.is_none() {
            let key = || {
                let mut bytes = [0; 32];
                entropy.fill(&mut bytes);
                BASE64.encode(bytes)
            };
            secrets.write(&SecretFile {
                callback_keys: vec![json!({"id": "local1", "key": key()})],
                fingerprint_key: key(),
                tenants: BTreeMap::new(),
            })?;
        }
        Ok(secrets)
    }

    /// Sets the accounts of a tenant.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn set_tenant(&self, tenant: &str, accounts: TenantAccounts) -> io::Result<()> {
        let _writing = self.inner.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = self.read()?;
        file.tenants.insert(tenant.to_owned(), accounts);
        self.write(&file)
    }

    /// The file as it is now.
    ///
    /// # Errors
    /// It cannot be read or is malformed.
    pub fn read(&self) -> io::Result<SecretFile> {
        read_json(&self.inner.path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the secret's file is gone"))
    }

    /// The file's text as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> io::Result<String> {
        std::fs::read_to_string(&self.inner.path)
    }

    fn write(&self, file: &SecretFile) -> io::Result<()> {
        write_private(&self.inner.path, &serde_json::to_vec_pretty(file)?)
    }

    /// The API: AWS's JSON protocol 1.1 on `/`.
    pub fn router(&self) -> Router {
        Router::new().route("/", axum::routing::post(answer)).with_state(self.clone())
    }
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if target != "secretsmanager.GetSecretValue" {
        return failure("UnknownOperationException", &format!("{target} is not known locally"));
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = request.get("SecretId").and_then(Value::as_str).unwrap_or_default();
    if asked != secrets.inner.id {
        return failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    }
    match secrets.text() {
        Ok(text) => {
            let name = &secrets.inner.id;
            let arn = format!("arn:aws:secretsmanager:local:000000000000:secret:{name}");
            reply(StatusCode::OK, &json!({"ARN": arn, "Name": name, "VersionId": "local", "SecretString": text}))
        }
        Err(error) => failure("InternalServiceError", &error.to_string()),
    }
}

fn failure(kind: &str, message: &str) -> Response {
    let status =
        if kind == "InternalServiceError" { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
    reply(status, &json!({"__type": kind, "message": message}))
}

fn reply(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}

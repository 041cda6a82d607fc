//! Secrets Manager, as far as Cotejo uses it: `GetSecretValue`, and for its operators `CreateSecret`, `PutSecretValue`,
//! `ListSecrets`, `DeleteSecret` and `RestoreSecret`.
//!
//! All secrets are one file, readable by its owner only. It is read anew for every request, so that an edited file counts
//! as soon as the functions ask again. Versions and rotation are left out, and what is scheduled for deletion stays so.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cotejo::platform::Entropy;
use serde_json::{Value, json};

use crate::data::{read_json, write_private};

/// Every secret's JSON by its name.
type Contents = BTreeMap<String, Value>;

/// The secrets and their server.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Held while the file is written.
    writing: Mutex<()>,
}

impl Secrets {
    /// Opens the file at `path`, and makes sure that it has fresh keys for the secret called `keys`, in the shape of
    /// [`cotejo::platform::secrets::SecretDocument`].
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: PathBuf, keys: &str, entropy: &dyn Entropy) -> io::Result<Self> {
        let secrets = Self(Arc::new(Inner { path, writing: Mutex::new(()) }));
        if secrets.get(keys)?.is_none() {
            let key = || {
                let mut bytes = [0; 32];
                entropy.fill(&mut bytes);
                json!([{"id": "local1", "key": BASE64.encode(bytes)}])
            };
            let lists = ["callback_keys", "fingerprint_keys", "code_keys", "record_keys", "unique_keys"];
            let document = lists.into_iter().map(|list| (list.to_owned(), key())).collect();
            secrets.set(keys, Value::Object(document))?;
        }
        Ok(secrets)
    }

    /// The secret called `name` as it is now.
    ///
    /// # Errors
    /// The file cannot be read or is malformed.
    pub fn get(&self, name: &str) -> io::Result<Option<Value>> {
        Ok(self.contents()?.remove(name))
    }

    /// Creates or replaces the secret called `name`.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn set(&self, name: &str, value: Value) -> io::Result<()> {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contents = self.contents()?;
        contents.insert(name.to_owned(), value);
        write_private(&self.0.path, &serde_json::to_vec_pretty(&contents)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut contents = self.contents()?;
        if let Some(value) = contents.remove(from) {
            contents.insert(to.to_owned(), value);
        }
        write_private(&self.0.path, &serde_json::to_vec_pretty(&contents)?)
    }

    fn contents(&self) -> io::Result<Contents> {
        Ok(read_json(&self.0.path)?.unwrap_or_default())
    }

    /// The API: AWS's JSON protocol 1.1 on `/`.
    pub fn router(&self) -> Router {
        Router::new().route("/", axum::routing::post(answer)).with_state(self.clone())
    }

    /// The answer to a call.
    fn call(&self, operation: &str, request: &Value) -> Result<Value, CallError> {
        let field = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let missing = || {
            CallError::from(Refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret."))
        };
        let given = || serde_json::from_str(field("SecretString"));
        let not_json = || {
            CallError::from(Refusal("InvalidParameterException", "SecretString is not JSON, which all of ours are."))
        };
        let id = [field("SecretId"), field("Name")].concat();
        let scheduled = self.contents()?.contains_key(&deleted(&id));
        if scheduled && operation == "RestoreSecret" {
            self.rename(&deleted(&id), &id)?;
            return Ok(described(&id, &[]));
        }
        if scheduled && operation != "ListSecrets" {
            let message = "You can't perform this operation on the secret because it was marked for deletion.";
            return Err(Refusal("InvalidRequestException", message).into());
        }
        match operation {
            "DeleteSecret" | "RestoreSecret" if self.get(&id)?.is_none() => Err(missing()),
            "DeleteSecret" => {
                self.rename(&id, &deleted(&id))?;
                Ok(described(&id, &[]))
            }
            "RestoreSecret" => Ok(described(&id, &[])),
            "GetSecretValue" => match self.get(field("SecretId"))? {
                Some(value) => Ok(described(field("SecretId"), &[("SecretString", json!(value.to_string()))])),
                None => Err(missing()),
            },
            "CreateSecret" => match (self.get(field("Name"))?, given()) {
                (Some(_), _) => Err(Refusal("ResourceExistsException", "A secret of this name exists.").into()),
                (None, Err(_)) => Err(not_json()),
                (None, Ok(value)) => {
                    self.set(field("Name"), value)?;
                    Ok(described(field("Name"), &[]))
                }
            },
            "PutSecretValue" => match (self.get(field("SecretId"))?, given()) {
                (None, _) => Err(missing()),
                (Some(_), Err(_)) => Err(not_json()),
                (Some(_), Ok(value)) => {
                    self.set(field("SecretId"), value)?;
                    Ok(described(field("SecretId"), &[]))
                }
            },
            "ListSecrets" => {
                let prefixes = request.pointer("/Filters/0/Values").and_then(Value::as_array);
                let wanted = |name: &String| {
                    prefixes.is_none_or(|all| all.iter().filter_map(Value::as_str).any(|each| name.starts_with(each)))
                };
                let names = self.contents()?.into_keys().filter(wanted).filter(|name| !name.ends_with(DELETED));
                Ok(json!({"SecretList": names.map(|name| described(&name, &[])).collect::<Vec<_>>()}))
            }
            _ => Err(Refusal("UnknownOperationException", "The operation is not known locally.").into()),
        }
    }
}

/// How the names of secrets end that are scheduled for deletion; no other may.
const DELETED: &str = " (scheduled for deletion)";

fn deleted(name: &str) -> String {
    format!("{name}{DELETED}")
}

/// An error of the API: its code and its message.
struct Refusal(&'static str, &'static str);

/// Why a call gives no answer.
enum CallError {
    Refused(Refusal),
    Io(io::Error),
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for CallError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn described(name: &str, more: &[(&str, Value)]) -> Value {
    let arn = format!("arn:aws:secretsmanager:local:000000000000:secret:{name}-AAAAAA");
    let mut description = json!({"ARN": arn, "Name": name, "VersionId": "local"});
    for (field, value) in more {
        description[*field] = value.clone();
    }
    description
}

async fn answer(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or_default();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    match secrets.call(operation, &request) {
        Ok(answer) => reply(StatusCode::OK, &answer),
        Err(CallError::Refused(Refusal(code, message))) => {
            reply(StatusCode::BAD_REQUEST, &json!({"__type": code, "message": message}))
        }
        Err(CallError::Io(error)) => {
            let body = json!({"__type": "InternalServiceError", "message": error.to_string()});
            reply(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
    }
}

fn reply(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
}

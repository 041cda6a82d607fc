//! Creates an upload link for a picture of a future process, or for a file of a future import.
//!
//! The link accepts one file of the declared length and type, once. Nothing is stored in the table: a rule of the
//! bucket removes an unused upload after a day.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

use super::{Services, jobs::MAX_FILE_BYTES};
use crate::{
    common::{Authority as _, Caller, FieldError, Scope, shape::shape},
    deployment::Deployment,
    evidence::MAX_PICTURE_BYTES,
    objects::{Bucket, MediaFormat, ObjectKey},
    workflow::Error,
};

/// How long the link accepts a file.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// The types of pictures.
const PICTURES: [MediaFormat; 3] = [MediaFormat::Jpeg, MediaFormat::Png, MediaFormat::Pdf];
/// The types of import files.
const SHEETS: [&str; 2] = ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];

/// The scope that the upload in `body` needs: pictures belong to processes, import files to people.
#[must_use]
pub fn scope(body: &Value) -> Scope {
    let kind = body.get("content_type").and_then(Value::as_str).unwrap_or_default();
    if SHEETS.contains(&kind) { Scope::PeopleWrite } else { Scope::ProcessesWrite }
}

#[derive(Deserialize)]
struct Wanted {
    content_type: String,
    bytes: u64,
}

/// An upload link.
pub struct Upload {
    /// The id by which a process refers to the upload.
    pub id: Uuid,
    /// The URL for the `PUT`. It is confidential: it grants the upload.
    pub url: String,
    /// The headers that the `PUT` must send unchanged.
    pub headers: Vec<(String, String)>,
    /// When the link expires.
    pub expires_at: Timestamp,
}

pub struct CreateUpload {
    services: Services,
    bucket: Bucket,
}

impl CreateUpload {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::of(&deployment.platform);
        Self { services: Services::new(deployment), bucket }
    }

    /// An upload link for the file in `body`. No request.
    ///
    /// # Errors
    /// `Invalid` with every wrong field.
    pub async fn run(&self, caller: &Caller, body: &Value) -> Result<Upload, Error> {
        let wanted: Wanted = shape(body, "")?;
        let mut problems = Vec::new();
        let is_sheet = SHEETS.contains(&wanted.content_type.as_str());
        if !is_sheet && !PICTURES.iter().any(|format| format.content_type() == wanted.content_type) {
            let message = "must be image/jpeg, image/png, application/pdf, text/csv or the type of XLSX";
            problems.push(FieldError::new("content_type", message));
        }
        let most = if is_sheet { MAX_FILE_BYTES } else { MAX_PICTURE_BYTES };
        if !(1..=most as u64).contains(&wanted.bytes) {
            problems.push(FieldError::new("bytes", format!("must be from 1 to {most}")));
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let id = self.services.entropy().uuid();
        let key = ObjectKey::Upload { tenant: caller.tenant(), id };
        let put = self.bucket.presign_put(&key, &wanted.content_type, wanted.bytes, LINK_LIFE).await;
        let put = put.map_err(|_| Error::Unavailable)?;
        let expires_at = self.services.now() + LINK_LIFE;
        tracing::info!(tenant = %caller.tenant(), key = caller.key_id(), upload = %id, "upload link issued");
        Ok(Upload { id, url: put.url, headers: put.headers, expires_at })
    }
}

//! A place to put a picture before the process that needs it is created, or a file before it is imported.
//!
//! The link that is given out takes one file of the length and type that were named, once. Nothing is written down: an
//! upload that nobody takes is removed by the bucket's own rule after a day.

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

/// How long the link takes a file.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// Pictures that may be uploaded.
const PICTURES: [MediaFormat; 3] = [MediaFormat::Jpeg, MediaFormat::Png, MediaFormat::Pdf];
/// Files of rows that may be.
const SHEETS: [&str; 2] = ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];

/// What a key must be allowed to upload what `body` describes: a process needs pictures, an import needs files of rows.
#[must_use]
pub fn scope(body: &Value) -> Scope {
    let kind = body.get("content_type").and_then(Value::as_str).unwrap_or_default();
    if SHEETS.contains(&kind) { Scope::PeopleWrite } else { Scope::ProcessesWrite }
}

/// The body of `POST /uploads`.
#[derive(Deserialize)]
struct Wanted {
    content_type: String,
    bytes: u64,
}

/// Where to put a file.
pub struct Upload {
    /// What a process names it by.
    pub id: Uuid,
    /// Where to `PUT` it. As secret as the right to do so.
    pub url: String,
    /// The headers to send with it, exactly.
    pub headers: Vec<(String, String)>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The use case.
pub struct CreateUpload {
    services: Services,
    bucket: Bucket,
}

impl CreateUpload {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let bucket = Bucket::new(deployment.platform.aws.s3.clone(), deployment.platform.config.bucket.clone());
        Self { services: Services::new(deployment), bucket }
    }

    /// A place for the file that `body` describes. No request.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub async fn run(&self, caller: &Caller, body: &Value) -> Result<Upload, Error> {
        let wanted: Wanted = shape(body, "")?;
        let mut problems = Vec::new();
        let is_sheet = SHEETS.contains(&wanted.content_type.as_str());
        if !is_sheet && !PICTURES.iter().any(|format| format.content_type() == wanted.content_type) {
            let message = "must be image/jpeg, image/png, application/pdf, text/csv or that of XLSX";
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

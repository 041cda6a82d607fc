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
    api::{ApiError, Authority as _, Caller, Scope, body},
    evidence::{Bucket, MAX_PICTURE_BYTES, MediaFormat, ObjectKey},
    platform::Platform,
    providers::FieldProblem,
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
    pub fn new(platform: &Platform) -> Self {
        let bucket = Bucket::new(platform.aws.s3.clone(), platform.config.bucket.clone());
        Self { services: Services::new(platform), bucket }
    }

    /// A place for the file that `body` describes. No request.
    ///
    /// # Errors
    /// 422 with every wrong field.
    pub async fn run(&self, caller: &Caller, body: &Value) -> Result<Upload, ApiError> {
        let wanted: Wanted = body::shape(body, "").map_err(|problem| ApiError::invalid(vec![problem]))?;
        let mut problems = Vec::new();
        let is_sheet = SHEETS.contains(&wanted.content_type.as_str());
        if !is_sheet && !PICTURES.iter().any(|format| format.content_type() == wanted.content_type) {
            let message = "must be image/jpeg, image/png, application/pdf, text/csv or that of XLSX";
            problems.push(FieldProblem::new("content_type", message));
        }
        let most = if is_sheet { MAX_FILE_BYTES } else { MAX_PICTURE_BYTES };
        if !(1..=most as u64).contains(&wanted.bytes) {
            problems.push(FieldProblem::new("bytes", format!("must be from 1 to {most}")));
        }
        if !problems.is_empty() {
            return Err(ApiError::invalid(problems));
        }
        let id = self.services.entropy().uuid();
        let key = ObjectKey::Upload { tenant: caller.tenant(), id };
        let put = self.bucket.presign_put(&key, &wanted.content_type, wanted.bytes, LINK_LIFE).await;
        let put = put.map_err(|_| ApiError::unavailable())?;
        let expires_at = self.services.now() + LINK_LIFE;
        tracing::info!(tenant = %caller.tenant(), key = caller.key_id(), upload = %id, "upload link issued");
        Ok(Upload { id, url: put.url, headers: put.headers, expires_at })
    }
}

//! Versions, as a bucket has them that never kept any: every object is one, the latest, and its id is `null`. Deleting
//! that version deletes the object; there is no other one, and deleting what is not there is no error. A version with a legal hold
//! is not deleted, as on a bucket with Object Lock, which every bucket here is in that respect.

use std::{ops::Bound, time::SystemTime};

use s3s::{
    S3ErrorCode, S3Request, S3Result,
    dto::{
        self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
        GetObjectLegalHoldInput, GetObjectLegalHoldOutput, ListObjectVersionsInput, ListObjectVersionsOutput,
        ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectVersion, PutObjectLegalHoldInput,
        PutObjectLegalHoldOutput, Timestamp,
    },
    s3_error,
};

use super::disk::Disk;

/// The id of the only version.
const ONLY: &str = "null";

impl Disk {
    pub(super) async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        self.delete_version(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(DeleteObjectOutput { version_id: input.version_id, ..DeleteObjectOutput::default() })
    }

    pub(super) async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> S3Result<DeleteObjectsOutput> {
        let input = request.input;
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for object in input.delete.objects {
            let result = self.delete_version(&input.bucket, &object.key, object.version_id.as_deref());
            let (key, version_id) = (Some(object.key), object.version_id);
            match result {
                Ok(()) => deleted.push(DeletedObject { key, version_id, ..DeletedObject::default() }),
                // One object that cannot be deleted does not keep the others.
                Err(error) if *error.code() == S3ErrorCode::AccessDenied => {
                    let (code, message) = (Some("AccessDenied".to_owned()), error.message().map(str::to_owned));
                    errors.push(dto::Error { code, key, message, version_id });
                }
                Err(error) => return Err(error),
            }
        }
        // With `quiet`, the answer lists errors only.
        let deleted = Some(deleted).filter(|_| input.delete.quiet != Some(true));
        Ok(DeleteObjectsOutput { deleted, errors: Some(errors), ..DeleteObjectsOutput::default() })
    }

    pub(super) async fn put_object_legal_hold(
        &self,
        request: S3Request<PutObjectLegalHoldInput>,
    ) -> S3Result<PutObjectLegalHoldOutput> {
        let input = request.input;
        self.known_version(&input.bucket, &input.key, input.version_id.as_deref())?;
        let status = input.legal_hold.and_then(|hold| hold.status);
        let held = match status.as_ref().map(ObjectLockLegalHoldStatus::as_str) {
            Some("ON") => true,
            Some("OFF") => false,
            _ => return Err(s3_error!(MalformedXML, "Status must be ON or OFF")),
        };
        self.index.set_hold(&input.bucket, &input.key, held)?;
        Ok(PutObjectLegalHoldOutput::default())
    }

    pub(super) async fn get_object_legal_hold(
        &self,
        request: S3Request<GetObjectLegalHoldInput>,
    ) -> S3Result<GetObjectLegalHoldOutput> {
        let input = request.input;
        self.known_version(&input.bucket, &input.key, input.version_id.as_deref())?;
        let status = if self.index.get(&input.bucket, &input.key)?.held { "ON" } else { "OFF" };
        let status = Some(ObjectLockLegalHoldStatus::from_static(status));
        Ok(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status }) })
    }

    fn known_version(&self, bucket: &str, key: &str, version: Option<&str>) -> S3Result<()> {
        match version {
            None | Some(ONLY) => self.index.get(bucket, key).map(|_| ()),
            Some(_) => Err(s3_error!(NoSuchVersion)),
        }
    }

    fn delete_version(&self, bucket: &str, key: &str, version: Option<&str>) -> S3Result<()> {
        match version {
            None | Some(ONLY) => self.index.delete(bucket, key),
            Some(_) => self.index.with(bucket, |_| ()),
        }
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<ListObjectVersionsOutput> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "The local store lists versions without groups"));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or(0).min(1000);
        // A key has one version, so the next page starts at the next key.
        let from = match &input.key_marker {
            Some(marker) if *marker >= prefix => Bound::Excluded(marker.as_str()),
            _ => Bound::Included(prefix.as_str()),
        };
        let mut versions: Vec<ObjectVersion> = self.index.with(&input.bucket, |objects| {
            let found = objects.range::<str, _>((from, Bound::Unbounded));
            let found = found.take_while(|(key, _)| key.starts_with(&prefix)).take(most + 1);
            let version = |(key, entry): (&String, &std::sync::Arc<super::index::Entry>)| ObjectVersion {
                key: Some(key.clone()),
                version_id: Some(ONLY.to_owned()),
                is_latest: Some(true),
                size: i64::try_from(entry.size).ok(),
                e_tag: Some(ETag::Strong(entry.etag.clone())),
                last_modified: Some(Timestamp::from(SystemTime::from(entry.modified))),
                ..ObjectVersion::default()
            };
            found.map(version).collect()
        })?;
        let truncated = versions.len() > most;
        versions.truncate(most);
        let last = versions.last().filter(|_| truncated);
        Ok(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: input.prefix,
            max_keys: input.max_keys.or(Some(1000)),
            key_marker: input.key_marker,
            version_id_marker: input.version_id_marker,
            is_truncated: Some(truncated),
            next_key_marker: last.and_then(|version| version.key.clone()),
            next_version_id_marker: last.and_then(|version| version.version_id.clone()),
            versions: Some(versions),
            ..ListObjectVersionsOutput::default()
        })
    }
}

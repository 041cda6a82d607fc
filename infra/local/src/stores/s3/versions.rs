//! Versions, as a bucket has them that never kept any: every object is one, the latest, and its id is `null`. Deleting
//! that version deletes the object; there is no other one, and deleting what is not there is no error.

use std::{ops::Bound, time::SystemTime};

use s3s::{
    S3Request, S3Result,
    dto::{
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag,
        ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion, Timestamp,
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
        for object in input.delete.objects {
            self.delete_version(&input.bucket, &object.key, object.version_id.as_deref())?;
            let (key, version_id) = (Some(object.key), object.version_id);
            deleted.push(DeletedObject { key, version_id, ..DeletedObject::default() });
        }
        // Who asks for quiet wants to hear of errors only.
        let deleted = Some(deleted).filter(|_| input.delete.quiet != Some(true));
        Ok(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() })
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
        // A key has one version: behind any of them comes the next key.
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

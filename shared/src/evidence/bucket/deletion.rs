//! Deleting for good: on a bucket that keeps versions, deleting a key only hides it.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{Bucket, BucketError, unavailable};

impl Bucket {
    /// Deletes every version of every object whose key begins with `prefix`, every mark that one was deleted, and every
    /// unfinished write of one; says how many things that were. Doing so again is harmless, and the way to go on after an
    /// error. What is written meanwhile may stay.
    ///
    /// # Errors
    /// [`BucketError::Prefix`] unless `prefix` is a whole path that ends in a slash: `a/b` would also be the beginning of
    /// `a/bc`. [`BucketError::Unavailable`]: some things are still there.
    pub async fn delete_all(&self, prefix: &str) -> Result<usize, BucketError> {
        if prefix.starts_with('/') || !prefix.ends_with('/') {
            return Err(BucketError::Prefix);
        }
        // First, so that none of them is completed behind the back of what follows.
        let unfinished = self.abort_all(prefix).await?;
        Ok(unfinished + self.delete_versions(prefix).await?)
    }

    async fn abort_all(&self, prefix: &str) -> Result<usize, BucketError> {
        let mut aborted = 0;
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let page = self
                .client
                .list_multipart_uploads()
                .bucket(&self.name)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(|error| unavailable("ListMultipartUploads", &error))?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                aborted += usize::from(self.abort_parts(key, id).await?);
            }
            if page.is_truncated() != Some(true) {
                return Ok(aborted);
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
            goes_on(key_marker.as_ref())?;
        }
    }

    async fn delete_versions(&self, prefix: &str) -> Result<usize, BucketError> {
        let mut deleted = 0;
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.name)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker)
                .send()
                .await
                .map_err(|error| unavailable("ListObjectVersions", &error))?;
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let marks = page.delete_markers().iter().map(|mark| (mark.key(), mark.version_id()));
            let found = versions.chain(marks).map(|(key, version)| {
                ObjectIdentifier::builder().set_key(key.map(str::to_owned)).set_version_id(version.map(str::to_owned))
            });
            let found = found.map(|identifier| identifier.build()).collect::<Result<Vec<_>, _>>();
            deleted += self.delete_found(found.map_err(|_| BucketError::Unavailable)?).await?;
            if page.is_truncated() != Some(true) {
                return Ok(deleted);
            }
            (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
            goes_on(key_marker.as_ref())?;
        }
    }

    /// One page, which is as much as one request takes.
    async fn delete_found(&self, found: Vec<ObjectIdentifier>) -> Result<usize, BucketError> {
        let count = found.len();
        if count == 0 {
            return Ok(0);
        }
        let all = Delete::builder().set_objects(Some(found)).quiet(true).build();
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.name)
            .delete(all.map_err(|_| BucketError::Unavailable)?)
            .send()
            .await
            .map_err(|error| unavailable("DeleteObjects", &error))?;
        // The request succeeds although single keys were refused.
        if let Some(first) = answer.errors().first() {
            tracing::warn!(refused = answer.errors().len(), code = first.code(), "S3 did not delete everything");
            return Err(BucketError::Unavailable);
        }
        Ok(count)
    }
}

/// A page that is not the last says where the next one begins; without that the first would come again for ever.
fn goes_on(marker: Option<&String>) -> Result<(), BucketError> {
    marker.map(|_| ()).ok_or(BucketError::Unavailable)
}

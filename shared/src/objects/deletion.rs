//! Permanent deletion: on a bucket with versions, deleting a key only hides it.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{
    Bucket, BucketError,
    bucket::unavailable,
    holds::{goes_on, next_page},
};

impl Bucket {
    /// Deletes every version, delete marker and unfinished upload of every key that begins with `prefix`; returns
    /// their number. It can be repeated, and must be after an error. What is written meanwhile may stay.
    ///
    /// # Errors
    /// [`BucketError::Prefix`] unless `prefix` ends in a slash: `a/b` is also a prefix of `a/bc`.
    /// [`BucketError::Unavailable`]: some of it is still there.
    pub async fn delete_all(&self, prefix: &str) -> Result<usize, BucketError> {
        if prefix.starts_with('/') || !prefix.ends_with('/') {
            return Err(BucketError::Prefix);
        }
        // First, so that none of them is completed after its versions were listed.
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
            let uploads = page.uploads().iter().filter_map(|upload| Some((upload.key()?, upload.upload_id()?)));
            for (key, id) in uploads {
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
        let mut from = None;
        loop {
            let page = self.versions(prefix, from).await?;
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let marks = page.delete_markers().iter().map(|mark| (mark.key(), mark.version_id()));
            let found = versions.chain(marks).map(|(key, version)| {
                ObjectIdentifier::builder().set_key(key.map(str::to_owned)).set_version_id(version.map(str::to_owned))
            });
            let found = found.map(|identifier| identifier.build()).collect::<Result<Vec<_>, _>>();
            deleted += self.delete_found(found.map_err(|_| BucketError::Unavailable)?, false).await?;
            from = next_page(page)?;
            if from.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Deletes one page, which is as much as one request takes.
    async fn delete_found(&self, found: Vec<ObjectIdentifier>, is_again: bool) -> Result<usize, BucketError> {
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
        // The request succeeds even if single keys were refused.
        let Some(first) = answer.errors().first() else { return Ok(count) };
        // A refused version may be locked by a hold that has ended or was just set. The next try deletes it once it
        // is unlocked.
        let refused = answer.errors().iter().filter(|error| error.code() == Some("AccessDenied"));
        let locked: Vec<_> = refused.filter_map(|error| Some((error.key()?, error.version_id()?))).collect();
        if locked.len() < answer.errors().len() || is_again {
            tracing::warn!(refused = answer.errors().len(), code = first.code(), "S3 did not delete everything");
            return Err(BucketError::Unavailable);
        }
        for (key, version) in &locked {
            self.hold(key, version, false).await?;
        }
        let again =
            locked.iter().map(|(key, version)| ObjectIdentifier::builder().key(*key).version_id(*version).build());
        let again = again.collect::<Result<Vec<_>, _>>().map_err(|_| BucketError::Unavailable)?;
        Box::pin(self.delete_found(again, true)).await?;
        Ok(count)
    }
}

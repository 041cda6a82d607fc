//! Legal holds: on a bucket with Object Lock, nobody can delete a version that has one.

use aws_sdk_s3::{
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Bucket, BucketError,
    bucket::{status, unavailable},
};

/// Versions whose hold is changed concurrently.
const AT_ONCE: usize = 8;

/// Where a page of versions begins.
pub(super) type Marker = (String, Option<String>);

impl Bucket {
    /// Sets or removes the legal hold of every version of every key that begins with `prefix`; returns their number.
    /// It can be repeated, and must be after an error. What is written meanwhile may be left out.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]: not all were changed; also where the bucket has no Object Lock.
    pub async fn hold_all(&self, prefix: &str, on: bool) -> Result<usize, BucketError> {
        let (mut held, mut from) = (0, None);
        loop {
            let page = self.versions(prefix, from).await?;
            let found = page.versions().iter().filter_map(|version| Some((version.key()?, version.version_id()?)));
            let found: Vec<_> = found.map(|(key, version)| (key.to_owned(), version.to_owned())).collect();
            held += found.len();
            let holds = found.iter().map(|(key, version)| self.hold(key, version, on)).collect::<Vec<_>>();
            stream::iter(holds).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            from = next_page(page)?;
            if from.is_none() {
                return Ok(held);
            }
        }
    }

    /// Sets or removes the hold of one version. A deleted one needs none.
    pub(super) async fn hold(&self, key: &str, version: &str, on: bool) -> Result<(), BucketError> {
        let wanted = if on { ObjectLockLegalHoldStatus::On } else { ObjectLockLegalHoldStatus::Off };
        let hold = ObjectLockLegalHold::builder().status(wanted).build();
        let put = self.client.put_object_legal_hold().bucket(&self.name).key(key).version_id(version).legal_hold(hold);
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            Err(error) => Err(unavailable("PutObjectLegalHold", &error)),
        }
    }

    /// One page of versions and delete markers.
    pub(super) async fn versions(
        &self,
        prefix: &str,
        from: Option<Marker>,
    ) -> Result<ListObjectVersionsOutput, BucketError> {
        let (key, version) = from.unzip();
        let list = self.client.list_object_versions().bucket(&self.name).prefix(prefix);
        let page = list.set_key_marker(key).set_version_id_marker(version.flatten()).send().await;
        page.map_err(|error| unavailable("ListObjectVersions", &error))
    }
}

/// Where the next page begins, if there is one.
pub(super) fn next_page(page: ListObjectVersionsOutput) -> Result<Option<Marker>, BucketError> {
    if page.is_truncated != Some(true) {
        return Ok(None);
    }
    goes_on(page.next_key_marker.as_ref())?;
    Ok(page.next_key_marker.map(|key| (key, page.next_version_id_marker)))
}

/// A page that is not the last must say where the next one begins; otherwise the first would be read forever.
pub(super) fn goes_on(marker: Option<&String>) -> Result<(), BucketError> {
    marker.map(|_| ()).ok_or(BucketError::Unavailable)
}

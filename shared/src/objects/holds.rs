//! Legal holds: on a bucket with Object Lock, a version that has one cannot be deleted by anybody.

use aws_sdk_s3::{
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{ObjectLockLegalHold, ObjectLockLegalHoldStatus},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Bucket, BucketError,
    bucket::{status, unavailable},
};

/// Versions whose hold is changed at the same time.
const AT_ONCE: usize = 8;

/// Where a page of versions begins.
pub(super) type Marker = (String, Option<String>);

impl Bucket {
    /// Puts a legal hold on every version of every object whose key begins with `prefix`, or takes it off; says how many that were.
    /// Doing so again is harmless, and the way to go on after an error. What is written meanwhile may be left out.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]: it was not done to all of them; also where the bucket has no Object Lock.
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

    /// The same for one version. One that is gone needs none.
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

    /// One page of the versions, and of the marks that one was deleted.
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

/// Where the page after this one begins, if there is one.
pub(super) fn next_page(page: ListObjectVersionsOutput) -> Result<Option<Marker>, BucketError> {
    if page.is_truncated != Some(true) {
        return Ok(None);
    }
    goes_on(page.next_key_marker.as_ref())?;
    Ok(page.next_key_marker.map(|key| (key, page.next_version_id_marker)))
}

/// A page that is not the last says where the next one begins; without that the first would come again for ever.
pub(super) fn goes_on(marker: Option<&String>) -> Result<(), BucketError> {
    marker.map(|_| ()).ok_or(BucketError::Unavailable)
}

//! Signed links to read or write one object for a while. Making one sends no request.
//!
//! A link expires with the credentials that signed it, which on Lambda may be sooner than it says.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::{
    Bucket, BucketError, ObjectKey,
    bucket::{LINK_LIFE, unavailable},
};

/// A link to write one object. It cannot be printed, because whoever has it can write.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedPut {
    /// The target of the `PUT`.
    pub url: String,
    /// The exact headers of the request; S3 refuses it without them.
    pub headers: Vec<(String, String)>,
}

impl Bucket {
    /// A link to read the object; with `download_name`, browsers save it under that name.
    ///
    /// # Errors
    /// [`BucketError::LinkLife`] if `expires_in` is not within [`LINK_LIFE`].
    pub async fn presign_get(
        &self,
        key: &str,
        expires_in: Duration,
        download_name: Option<&str>,
    ) -> Result<String, BucketError> {
        let config = lives_for(expires_in)?;
        let link = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .set_response_content_disposition(download_name.map(saved_as))
            .presigned(config)
            .await
            .map_err(|error| unavailable("GetObject (signing)", &error))?;
        Ok(link.uri().to_owned())
    }

    /// A link to write the object `key` once, with exactly `bytes` bytes of `content_type`. All are signed, so that
    /// S3 refuses another length or type (403) and a second write (412). The bytes themselves are checked when they
    /// are read.
    ///
    /// # Errors
    /// [`BucketError::LinkLife`] if `expires_in` is not within [`LINK_LIFE`]; [`BucketError::TooLarge`] for more
    /// bytes than S3 can count.
    pub async fn presign_put(
        &self,
        key: &ObjectKey<'_>,
        content_type: &str,
        bytes: u64,
        expires_in: Duration,
    ) -> Result<PresignedPut, BucketError> {
        let config = lives_for(expires_in)?;
        let link = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key.to_string())
            .if_none_match("*")
            .content_type(content_type)
            .content_length(i64::try_from(bytes).map_err(|_| BucketError::TooLarge)?)
            .presigned(config)
            .await
            .map_err(|error| unavailable("PutObject (signing)", &error))?;
        let headers = link.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(PresignedPut { url: link.uri().to_owned(), headers })
    }
}

fn lives_for(expires_in: Duration) -> Result<PresigningConfig, BucketError> {
    if !LINK_LIFE.contains(&expires_in) {
        return Err(BucketError::LinkLife);
    }
    PresigningConfig::expires_in(expires_in).map_err(|_| BucketError::LinkLife)
}

/// A Content-Disposition; unsafe characters of the file name become `_`.
fn saved_as(name: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    format!("attachment; filename=\"{}\"", name.chars().map(harmless).collect::<String>())
}

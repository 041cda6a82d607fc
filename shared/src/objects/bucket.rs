//! The S3 bucket: write once and read.
//!
//! Writes are conditional, so that none asks first whether the object exists. The table knows which objects there
//! are; [`ObjectKey`] names them. The SDK repeats requests after network errors.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};

use super::ObjectKey;
use crate::platform::Platform;

/// The shortest and longest life of a link.
pub const LINK_LIFE: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3600);

/// How often a write is sent that conflicts with another write of the same key.
const TRIES_AGAINST_CONFLICT: u32 = 4;

/// The result of a write. Either way, the object now exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is new.
    Stored,
    /// The object existed: with the same bytes where its key contains their hash, else with the same size.
    AlreadyThere,
}

/// Why the bucket did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// S3 is unreachable or refuses; it may be tried again.
    #[error("the bucket is unavailable")]
    Unavailable,
    #[error("there is no such object")]
    NotFound,
    /// The object is larger than the caller allows.
    #[error("the object is too large")]
    TooLarge,
    /// The requested life of a link is outside [`LINK_LIFE`].
    #[error("a link lives from 1 to 60 minutes")]
    LinkLife,
    /// Another object has that key.
    #[error("another object has this name")]
    NameTaken,
    /// A prefix to delete may include other owners' objects.
    #[error("what is deleted lies under a name that ends in a slash")]
    Prefix,
}

/// One bucket. Cloned cheaply.
#[derive(Clone)]
pub struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
}

impl Bucket {
    /// The deployment's bucket.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        Self::new(platform.aws.s3.clone(), platform.config.bucket.clone())
    }

    /// The bucket called `name`.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Writes a new object in one request; S3 checks the bytes against `sha256`.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]: it is not known whether the object was written. Writing again is harmless.
    pub async fn put_new(&self, key: &ObjectKey<'_>, body: Bytes, sha256: [u8; 32]) -> Result<PutOutcome, BucketError> {
        let length = i64::try_from(body.len()).map_err(|_| BucketError::TooLarge)?;
        for _ in 0..TRIES_AGAINST_CONFLICT {
            let sent = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key.to_string())
                .if_none_match("*")
                .checksum_sha256(BASE64.encode(sha256))
                .content_length(length)
                .content_type(key.content_type())
                .content_disposition(key.content_disposition())
                .cache_control(key.cache_control())
                .body(ByteStream::from(body.clone()))
                .customize()
                // The checksum is a signed header, so the body need not be hashed again.
                .disable_payload_signing()
                .send()
                .await;
            let Err(error) = sent else { return Ok(PutOutcome::Stored) };
            match status(&error) {
                Some(412) => return Ok(PutOutcome::AlreadyThere),
                // Another write of the same key is under way.
                Some(409) => {}
                _ => return Err(unavailable("PutObject", &error)),
            }
        }
        tracing::warn!(operation = "PutObject", tries = TRIES_AGAINST_CONFLICT, "conflict without end");
        Err(BucketError::Unavailable)
    }

    /// Reads a whole object of at most `max_bytes`.
    ///
    /// # Errors
    /// The object does not exist, is larger, or cannot be read.
    pub async fn get(&self, key: &str, max_bytes: usize) -> Result<Bytes, BucketError> {
        let answer = self.client.get_object().bucket(&self.name).key(key).send().await;
        let mut object = match answer {
            Ok(object) => object,
            Err(error) if status(&error) == Some(404) => return Err(BucketError::NotFound),
            Err(error) => return Err(unavailable("GetObject", &error)),
        };
        let announced = object.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > max_bytes {
            return Err(BucketError::TooLarge);
        }
        let mut bytes = BytesMut::with_capacity(announced);
        while let Some(chunk) = object.body.next().await {
            let chunk = chunk.map_err(|_| BucketError::Unavailable)?;
            if bytes.len() + chunk.len() > max_bytes {
                return Err(BucketError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// The size of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]; also where we may not list the bucket, since S3 then does not say that an object
    /// is missing.
    pub async fn head_length(&self, key: &str) -> Result<Option<u64>, BucketError> {
        match self.client.head_object().bucket(&self.name).key(key).send().await {
            Ok(object) => {
                let length = object.content_length().and_then(|length| u64::try_from(length).ok());
                length.map(Some).ok_or(BucketError::Unavailable)
            }
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(unavailable("HeadObject", &error)),
        }
    }
}

pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

pub(super) fn unavailable<E: ProvideErrorMetadata>(operation: &str, error: &SdkError<E>) -> BucketError {
    // Only the code: messages of S3 contain keys.
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::warn!(operation, status = status(error), code, "S3 did not do what was asked");
    BucketError::Unavailable
}

//! The S3 bucket: write once and read.
//!
//! No write asks first whether the object exists: it carries the condition itself. Which objects there are is in the
//! table; what they are called is [`ObjectKey`]'s. Repeats after network trouble are the SDK's.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};

use super::ObjectKey;

/// How long a link may live: from a minute to an hour.
pub const LINK_LIFE: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3600);

/// How often a write is sent that meets another write of the same key.
const TRIES_AGAINST_CONFLICT: u32 = 4;

/// What a write found. Either way the object is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// Nothing: the object is new.
    Stored,
    /// An object of that name: the very same bytes where the name holds their hash, as many bytes where it does not.
    AlreadyThere,
}

/// The bucket did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// S3 cannot be reached or refuses; may be tried again later.
    #[error("the bucket is unavailable")]
    Unavailable,
    /// There is no such object.
    #[error("there is no such object")]
    NotFound,
    /// The object is larger than the caller wants to read.
    #[error("the object is too large")]
    TooLarge,
    /// A link was asked for that lives shorter or longer than [`LINK_LIFE`].
    #[error("a link lives from 1 to 60 minutes")]
    LinkLife,
    /// An object of that name is there, and is not what was to be written.
    #[error("another object has this name")]
    NameTaken,
    /// Something was to be deleted by the beginning of its name, and that may be others' too.
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
    /// The bucket called `name`.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Writes an object that is not there yet, in one request; S3 itself checks that the bytes have the hash `sha256`.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]: nothing was written, or it was and that is not known. Writing again is harmless.
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
                // The checksum is among the signed headers already: hashing the body once more would add nothing.
                .disable_payload_signing()
                .send()
                .await;
            let Err(error) = sent else { return Ok(PutOutcome::Stored) };
            match status(&error) {
                Some(412) => return Ok(PutOutcome::AlreadyThere),
                // Another writer of the same key was not done yet.
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
    /// It does not exist, is larger, or cannot be read.
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

    /// How long an object is, or `None` if there is none of that name.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`]; also where S3 may not say that there is none, which takes the right to list.
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
    // The code only: messages of S3 repeat keys.
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    tracing::warn!(operation, status = status(error), code, "S3 did not do what was asked");
    BucketError::Unavailable
}

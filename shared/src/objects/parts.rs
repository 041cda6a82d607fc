//! Writing a long object in parts; its key does not contain its hash.
//!
//! The object appears only when the write is completed. Every write must end in [`Parts::complete`] or
//! [`Parts::abort`]; if the writer is killed, the bucket's lifecycle rule removes the parts.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::{
    Bucket, BucketError, ObjectKey, PutOutcome,
    bucket::{status, unavailable},
};

/// S3's minimum for every part but the last.
pub(crate) const SMALLEST_PART_BYTES: usize = 5 << 20;

/// The largest object that can be joined with others: 48 MiB.
pub const LARGEST_PIECE_BYTES: usize = 48 << 20;

/// Objects that are read concurrently while joining.
const PIECES_AT_ONCE: usize = 3;

/// An object that is being written.
pub(crate) struct Parts<'a> {
    bucket: &'a Bucket,
    key: String,
    id: String,
    written: Vec<CompletedPart>,
    bytes: u64,
}

impl Bucket {
    /// Starts writing `key`.
    pub(crate) async fn begin_parts(&self, key: &ObjectKey<'_>) -> Result<Parts<'_>, BucketError> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key.to_string())
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type(key.content_type())
            .content_disposition(key.content_disposition())
            .cache_control(key.cache_control())
            .send()
            .await
            .map_err(|error| unavailable("CreateMultipartUpload", &error))?;
        let id = begun.upload_id.ok_or(BucketError::Unavailable)?;
        Ok(Parts { bucket: self, key: key.to_string(), id, written: Vec::new(), bytes: 0 })
    }
}

impl Parts<'_> {
    /// Writes the next part, of at least [`SMALLEST_PART_BYTES`] unless it is the last; S3 checks its hash.
    pub(crate) async fn write(&mut self, part: Bytes) -> Result<(), BucketError> {
        let number = i32::try_from(self.written.len() + 1).map_err(|_| BucketError::TooLarge)?;
        let length = i64::try_from(part.len()).map_err(|_| BucketError::TooLarge)?;
        let checksum = BASE64.encode(Sha256::digest(&part));
        self.bytes += part.len() as u64;
        let written = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&self.id)
            .part_number(number)
            .checksum_sha256(&checksum)
            .content_length(length)
            .body(ByteStream::from(part))
            .customize()
            // As for a whole object, the checksum is signed.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| unavailable("UploadPart", &error))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(written.e_tag).checksum_sha256(checksum);
        self.written.push(part.build());
        Ok(())
    }

    /// Completes the object, if the key is free. Otherwise the parts are removed.
    pub(crate) async fn complete(mut self) -> Result<PutOutcome, BucketError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.written))).build();
        let sent = self
            .bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&self.id)
            .if_none_match("*")
            .multipart_upload(parts)
            .send()
            .await;
        let Err(error) = sent else { return Ok(PutOutcome::Stored) };
        // The key is taken or the parts are gone: this may be a repetition whose first answer was lost.
        let settled = matches!(status(&error), Some(404 | 412));
        if !settled {
            unavailable("CompleteMultipartUpload", &error);
        }
        let (bucket, key, bytes) = (self.bucket, self.key.clone(), self.bytes);
        self.abort().await;
        if !settled {
            return Err(BucketError::Unavailable);
        }
        match bucket.head_length(&key).await? {
            Some(length) if length == bytes => Ok(PutOutcome::AlreadyThere),
            Some(_) => Err(BucketError::NameTaken),
            None => Err(BucketError::Unavailable),
        }
    }

    /// Aborts the write. If that fails too, the lifecycle rule removes the parts later.
    pub(crate) async fn abort(self) {
        let _ = self.bucket.abort_parts(&self.key, &self.id).await;
    }
}

impl Bucket {
    /// Joins several objects into one, in order, each of at most [`LARGEST_PIECE_BYTES`]. At most four are held in
    /// memory. It can be repeated.
    ///
    /// # Errors
    /// One does not exist, or S3 fails; the write is aborted.
    pub async fn join(&self, pieces: &[ObjectKey<'_>], whole: &ObjectKey<'_>) -> Result<PutOutcome, BucketError> {
        let mut parts = self.begin_parts(whole).await?;
        match self.write_pieces(&mut parts, pieces).await {
            Ok(()) => parts.complete().await,
            Err(error) => {
                parts.abort().await;
                Err(error)
            }
        }
    }

    async fn write_pieces(&self, parts: &mut Parts<'_>, pieces: &[ObjectKey<'_>]) -> Result<(), BucketError> {
        let mut held = BytesMut::new();
        let reads = pieces.iter().map(|piece| async move { self.get(&piece.to_string(), LARGEST_PIECE_BYTES).await });
        let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffered(PIECES_AT_ONCE);
        while let Some(piece) = reads.next().await {
            held.extend_from_slice(&piece?);
            if held.len() >= SMALLEST_PART_BYTES {
                parts.write(held.split().freeze()).await?;
            }
        }
        // An object has at least one part.
        if !held.is_empty() || parts.written.is_empty() {
            parts.write(held.freeze()).await?;
        }
        Ok(())
    }

    /// Removes the parts of an unfinished object; returns whether there were any.
    pub(super) async fn abort_parts(&self, key: &str, id: &str) -> Result<bool, BucketError> {
        match self.client.abort_multipart_upload().bucket(&self.name).key(key).upload_id(id).send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(unavailable("AbortMultipartUpload", &error)),
        }
    }
}

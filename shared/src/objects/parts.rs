//! Writing one long object in parts, whose name does not hold its hash.
//!
//! The object appears when the last part is there and the write is completed, or never. What was begun must end in
//! [`Parts::complete`] or [`Parts::abort`]; parts whose writer was killed in between are for the bucket's lifecycle rule.

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

/// S3's own bound for every part but the last.
pub(crate) const SMALLEST_PART_BYTES: usize = 5 << 20;

/// The most that one of several objects may have that become one: 48 MiB.
pub const LARGEST_PIECE_BYTES: usize = 48 << 20;

/// Objects that become one and are read at the same time.
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
    /// Begins to write `key`.
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
    /// Writes the next part, of at least [`SMALLEST_PART_BYTES`] unless it is the last; S3 itself checks its hash.
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
            // As for a whole object: the checksum is signed.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| unavailable("UploadPart", &error))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(written.e_tag).checksum_sha256(checksum);
        self.written.push(part.build());
        Ok(())
    }

    /// Makes the object of its parts, if there is none of that name yet. Whatever else comes of it, no part stays.
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
        // The name is taken, or these parts are gone: both may be a repeat's answer whose first one was lost.
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

    /// Gives up. There is nobody to tell if that fails too: the lifecycle rule removes the parts later.
    pub(crate) async fn abort(self) {
        let _ = self.bucket.abort_parts(&self.key, &self.id).await;
    }
}

impl Bucket {
    /// Makes one object of several, in their order, each of at most [`LARGEST_PIECE_BYTES`]. No more than four of them are held
    /// at a time. Done again it changes nothing.
    ///
    /// # Errors
    /// One is not there, or S3 does not do it; whatever was begun is given up.
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
        // An object has one part at least.
        if !held.is_empty() || parts.written.is_empty() {
            parts.write(held.freeze()).await?;
        }
        Ok(())
    }

    /// Removes the parts of an unfinished object; says whether there still were any.
    pub(super) async fn abort_parts(&self, key: &str, id: &str) -> Result<bool, BucketError> {
        match self.client.abort_multipart_upload().bucket(&self.name).key(key).upload_id(id).send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(unavailable("AbortMultipartUpload", &error)),
        }
    }
}

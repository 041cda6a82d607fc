//! Copying a video from a provider's link into the bucket.
//!
//! A video is too long to hold: it is streamed in parts, and the object appears only after the last byte has passed
//! every check. A failure leaves nothing behind. It waits for its turn with the pictures and holds no more memory
//! than one of them.
//!
//! An MP4 must reach the end of its last box. A WebM may have no length, so the end of one that was sent without a
//! length cannot be checked. Nothing is tried twice here: after minutes, the caller should get a fresh link.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use reqwest::{Client, Response};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::{
    Copier, CopyError, MAX_PICTURE_BYTES, Stored,
    budget::READ_AHEAD_BYTES,
    copy::Limits,
    fetch::{judge_status, not_connected},
};
use crate::{
    common::TenantId,
    objects::{MediaFormat, ObjectKey, Parts, SMALLEST_PART_BYTES, whole::Boxes},
    process::ProcessId,
};

/// The parts a video is written in.
const PART_BYTES: usize = 8 << 20;

// One part, and the last piece, which did not fit into it; what the client reads ahead has its own share.
const _: () = assert!(SMALLEST_PART_BYTES <= PART_BYTES && PART_BYTES + READ_AHEAD_BYTES <= MAX_PICTURE_BYTES);

impl Copier {
    /// Copies the video at `url`, from one of the exact `hosts`. `source` is the provider's own identity of it and
    /// names the object: of one source, the first copy stays.
    ///
    /// # Errors
    /// As for a picture; [`CopyError::Store`] also where an object of that source has another size.
    pub async fn copy_video(
        &self,
        tenant: &TenantId,
        process: ProcessId,
        hosts: &[String],
        url: &str,
        source: &str,
    ) -> Result<Stored, CopyError> {
        let mut host = None;
        let copied = async {
            let url = self.shared.guard(hosts).check(url)?;
            host = url.host_str().map(str::to_owned);
            let _permit = self.shared.budget.take().await.ok_or(CopyError::Unavailable)?;
            let source_hash = Sha256::digest(source).into();
            self.stream(url, |format| ObjectKey::Video { tenant, process, source_hash, format }).await
        }
        .await;
        if let Err(error) = copied {
            tracing::warn!(%tenant, %process, host, reason = error.code(), "video not copied");
        }
        copied
    }

    async fn stream<'a>(&self, url: Url, key: impl FnOnce(MediaFormat) -> ObjectKey<'a>) -> Result<Stored, CopyError> {
        let limits = &self.shared.limits;
        let deadline = Instant::now() + limits.video_time;
        let beginning = async {
            let mut video = Video::open(self.shared.client(), url, limits).await?;
            let first = video.next_part().await?.ok_or(CopyError::NotMedia)?;
            Ok((video, first))
        };
        let (mut video, first) = in_time(deadline, beginning).await?;
        let format = MediaFormat::of(&first).filter(|format| format.is_video()).ok_or(CopyError::NotMedia)?;
        let key = key(format);
        let mut parts = self.shared.bucket.begin_parts(&key).await.map_err(|_| CopyError::Store)?;
        // The deadline does not interrupt the first and last request of the write: their effect would not be known.
        if let Err(error) = in_time(deadline, video.pass_on(first, format, &mut parts)).await {
            parts.abort().await;
            return Err(error);
        }
        parts.complete().await.map_err(|_| CopyError::Store)?;
        let (bytes, sha256) = (video.bytes, hex::encode(video.hash.finalize()));
        Ok(Stored { key: key.to_string(), bytes, sha256, content_type: key.content_type() })
    }
}

async fn in_time<T>(deadline: Instant, work: impl Future<Output = Result<T, CopyError>>) -> Result<T, CopyError> {
    timeout_at(deadline, work).await.unwrap_or(Err(CopyError::Unavailable))
}

/// A video that is being read.
struct Video {
    response: Response,
    /// Bytes that are not in a part yet.
    rest: Bytes,
    bytes: u64,
    hash: Sha256,
    boxes: Boxes,
    most_bytes: u64,
    stall_time: Duration,
}

impl Video {
    async fn open(client: &Client, url: Url, limits: &Limits) -> Result<Self, CopyError> {
        let (most_bytes, stall_time) = (limits.video_bytes, limits.stall_time);
        let sent = timeout(stall_time, client.get(url).send()).await.map_err(|_| CopyError::Unavailable)?;
        let response = sent.map_err(|error| not_connected(&error))?;
        judge_status(response.status())?;
        if response.content_length().is_some_and(|length| length > most_bytes) {
            return Err(CopyError::TooLarge);
        }
        let (rest, hash, boxes) = (Bytes::new(), Sha256::new(), Boxes::default());
        Ok(Self { response, rest, bytes: 0, hash, boxes, most_bytes, stall_time })
    }

    /// Sends everything to the bucket, one part at a time: nothing is read while a part is written.
    async fn pass_on(&mut self, first: Bytes, format: MediaFormat, parts: &mut Parts<'_>) -> Result<(), CopyError> {
        let mut next = Some(first);
        while let Some(part) = next {
            parts.write(part).await.map_err(|_| CopyError::Store)?;
            next = self.next_part().await?;
        }
        if format == MediaFormat::Mp4 && !self.boxes.are_whole() { Err(CopyError::CutOff) } else { Ok(()) }
    }

    /// The next [`PART_BYTES`], fewer at the end, `None` after it.
    async fn next_part(&mut self) -> Result<Option<Bytes>, CopyError> {
        let mut part = Vec::with_capacity(PART_BYTES);
        while part.len() < PART_BYTES {
            if self.rest.is_empty() && !self.read().await? {
                break;
            }
            let taken = self.rest.len().min(PART_BYTES - part.len());
            part.extend_from_slice(&self.rest[..taken]);
            self.rest.advance(taken);
        }
        Ok(if part.is_empty() { None } else { Some(part.into()) })
    }

    /// Reads more; `false` at the end. The HTTP client checks an announced length.
    async fn read(&mut self) -> Result<bool, CopyError> {
        let came = timeout(self.stall_time, self.response.chunk()).await.map_err(|_| CopyError::Unavailable)?;
        // An answer that ends early leaves a part of the file.
        let Some(piece) = came.map_err(|_| CopyError::CutOff)? else { return Ok(false) };
        self.bytes += piece.len() as u64;
        if self.bytes > self.most_bytes {
            return Err(CopyError::TooLarge);
        }
        self.hash.update(&piece);
        self.boxes.pass(&piece);
        self.rest = piece;
        Ok(true)
    }
}

//! Downloading one picture, from a checked link into memory.
//!
//! The result is a complete picture of a known format with its hash, of at most [`MAX_PICTURE_BYTES`], in a buffer
//! that is allocated once. The caller sets the time limit and decides about a second try.

use bytes::Bytes;
use reqwest::{Client, Response, StatusCode};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{CopyError, MAX_PICTURE_BYTES};
use crate::{
    objects::MediaFormat,
    platform::http::{UrlRefused, leads_nowhere_public},
};

pub(super) struct Picture {
    pub(super) bytes: Bytes,
    pub(super) sha256: [u8; 32],
    pub(super) format: MediaFormat,
}

/// Downloads the picture at `url`, which [`super::UrlGuard`] has allowed.
pub(super) async fn fetch(client: &Client, url: Url) -> Result<Picture, CopyError> {
    let response = client.get(url).send().await.map_err(|error| not_connected(&error))?;
    judge_status(response.status())?;
    let (bytes, sha256) = read(response).await?;
    let format = MediaFormat::of(&bytes).filter(|format| format.is_picture()).ok_or(CopyError::NotMedia)?;
    if !format.is_whole(&bytes) {
        return Err(CopyError::CutOff);
    }
    Ok(Picture { bytes, sha256, format })
}

pub(super) fn not_connected(error: &reqwest::Error) -> CopyError {
    if leads_nowhere_public(error) { UrlRefused::NotPublic.into() } else { CopyError::Unavailable }
}

/// What a status says about the link.
pub(super) fn judge_status(status: StatusCode) -> Result<(), CopyError> {
    match status.as_u16() {
        200 => Ok(()),
        408 | 425 | 429 | 500.. => Err(CopyError::Unavailable),
        // Object stores answer an expired signature with 400, 401, 403, 404 or 410, and no 4xx disappears by itself:
        // only a fresh link can help.
        400..500 => Err(CopyError::LinkExpired),
        // No content, partial content, or a redirect.
        _ => Err(CopyError::NotMedia),
    }
}

async fn read(mut response: Response) -> Result<(Bytes, [u8; 32]), CopyError> {
    let announced = response.content_length().map(usize::try_from);
    let expected = match announced {
        Some(Ok(length)) if length <= MAX_PICTURE_BYTES => length,
        Some(_) => return Err(CopyError::TooLarge),
        // Memory that is not written is not really used; a growing buffer would hold the picture twice for a moment.
        None => MAX_PICTURE_BYTES,
    };
    let mut bytes = Vec::with_capacity(expected);
    let mut hash = Sha256::new();
    // An answer that ends early leaves a part of the file.
    while let Some(chunk) = response.chunk().await.map_err(|_| CopyError::CutOff)? {
        if bytes.len() + chunk.len() > expected {
            return Err(CopyError::TooLarge);
        }
        hash.update(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.into(), hash.finalize().into()))
}

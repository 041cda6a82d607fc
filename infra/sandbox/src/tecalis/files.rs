//! `GET /tecalis/files/{uuid}/{operation}/{kind}/{place}.jpg` and `…/{uuid}/video.mp4`: the bucket behind the links.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use crate::answers::Refused;
use crate::downloads::{self, Download, DownloadFault};
use crate::ids::Id;
use crate::links::Signature;
use crate::pictures;
use crate::sandbox::Sandbox;

/// The path that is signed, below the base URL.
pub(super) fn path(uuid: &str, operation: &str, kind: &str, place: usize) -> String {
    format!("/tecalis/files/{uuid}/{operation}/{kind}/{place}.jpg")
}

/// The same for the video.
pub(super) fn video_path(uuid: &str) -> String {
    format!("/tecalis/files/{uuid}/video.mp4")
}

pub(super) async fn download(
    State(sandbox): State<Sandbox>,
    Path((uuid, operation, kind, file)): Path<(String, String, String, String)>,
    Query(signature): Query<Signature>,
) -> Result<Response, Refused> {
    downloads::admit(&sandbox, &format!("/tecalis/files/{uuid}/{operation}/{kind}/{file}"), &signature)?;
    let place = file.strip_suffix(".jpg").and_then(|place| place.parse().ok());
    let found = place.and_then(|place| look_up(&sandbox, &uuid, &operation, &kind, place));
    downloads::serve(&sandbox, found).await
}

pub(super) async fn download_video(
    State(sandbox): State<Sandbox>,
    Path(uuid): Path<String>,
    Query(signature): Query<Signature>,
) -> Result<Response, Refused> {
    downloads::admit(&sandbox, &video_path(&uuid), &signature)?;
    let found = look_up_video(&sandbox, &uuid);
    downloads::serve(&sandbox, found).await
}

/// The video and what goes wrong; counts the download.
fn look_up_video(sandbox: &Sandbox, uuid: &str) -> Option<Download> {
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let one = state.tecalis.get_mut(uuid)?;
    let pieces = one.video()?;
    let before = one.video_downloads;
    one.video_downloads = before.saturating_add(1);
    let label = format!("{uuid} video {before}");
    let fault = DownloadFault::of(sandbox.inner.dice, &one.script.video_faults, &faults, before, &label);
    one.videos_served += u64::from(DownloadFault::is_harmless(fault));
    state.save_or_warn(&Id::Tecalis(uuid.to_owned()));
    Some(Download { pieces, content_type: "video/mp4", fault })
}

/// The picture and what goes wrong; counts the download.
fn look_up(sandbox: &Sandbox, uuid: &str, operation: &str, kind: &str, place: usize) -> Option<Download> {
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let one = state.tecalis.get_mut(uuid)?;
    let picture = one.picture(operation, kind, place)?;
    let pieces = pictures::padded(&picture, (one.script.picture_size as usize) << 20);
    let count = one.downloads.entry(format!("{operation}/{kind}/{place}")).or_default();
    let before = *count;
    *count = before.saturating_add(1);
    let label = format!("{uuid} {operation} {kind} {place} {before}");
    let fault = DownloadFault::of(sandbox.inner.dice, &one.script.pictures, &faults, before, &label);
    one.served += u64::from(DownloadFault::is_harmless(fault));
    state.save_or_warn(&Id::Tecalis(uuid.to_owned()));
    Some(Download { pieces, content_type: "image/jpeg", fault })
}

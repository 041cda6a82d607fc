//! `GET /auco/files/{code}/{attempt}/{kind}.jpg`: the bucket behind the picture links.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use crate::answers::Refused;
use crate::downloads::{self, Download, DownloadFault};
use crate::ids::Id;
use crate::links::Signature;
use crate::sandbox::Sandbox;

/// The path that is signed, below the base URL.
pub(super) fn path(code: &str, attempt: usize, kind: &str) -> String {
    format!("/auco/files/{code}/{attempt}/{kind}.jpg")
}

pub(super) async fn download(
    State(sandbox): State<Sandbox>,
    Path((code, attempt, file)): Path<(String, String, String)>,
    Query(signature): Query<Signature>,
) -> Result<Response, Refused> {
    downloads::admit(&sandbox, &format!("/auco/files/{code}/{attempt}/{file}"), &signature)?;
    let place = attempt.parse().ok().zip(file.strip_suffix(".jpg"));
    let found = place.and_then(|(attempt, kind)| look_up(&sandbox, &code, attempt, kind));
    downloads::serve(&sandbox, found).await
}

/// The picture and what goes wrong; counts the download.
fn look_up(sandbox: &Sandbox, code: &str, attempt: usize, kind: &str) -> Option<Download> {
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let process = state.auco.get_mut(code)?;
    let picture = process.picture(attempt, kind)?;
    let count = process.downloads.entry(format!("{attempt}/{kind}")).or_default();
    let before = *count;
    *count = before.saturating_add(1);
    let label = format!("{code} {attempt} {kind} {before}");
    let fault = DownloadFault::of(sandbox.inner.dice, &process.script.pictures, &faults, before, &label);
    process.served += u64::from(DownloadFault::is_harmless(fault));
    state.save_or_warn(&Id::Auco(code.to_owned()));
    Some(Download { pieces: picture.pieces(), content_type: "image/jpeg", fault })
}

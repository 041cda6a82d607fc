//! `GET /tecalis/files/{uuid}/{operation}/{kind}/{place}.jpg`: the bucket behind the picture links.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::Sandbox;
use crate::answers::Refused;
use crate::downloads::{self, Trouble};
use crate::links::Signature;

/// The path that is signed, below the base URL.
pub(super) fn path(uuid: &str, operation: &str, kind: &str, place: usize) -> String {
    format!("/tecalis/files/{uuid}/{operation}/{kind}/{place}.jpg")
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

/// The picture and what goes wrong; counts the download.
fn look_up(
    sandbox: &Sandbox,
    uuid: &str,
    operation: &str,
    kind: &str,
    place: usize,
) -> Option<(Vec<Bytes>, Option<Trouble>)> {
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let one = state.tecalis.get_mut(uuid)?;
    let picture = one.picture(operation, kind, place)?;
    let count = one.downloads.entry(format!("{operation}/{kind}/{place}")).or_default();
    let before = *count;
    *count = before.saturating_add(1);
    let label = format!("{uuid} {operation} {kind} {place} {before}");
    let trouble = Trouble::of(sandbox.inner.dice, &one.script.pictures, &faults, before, &label);
    one.served += u64::from(Trouble::is_harmless(trouble));
    state.save_or_warn(uuid);
    Some((vec![picture], trouble))
}

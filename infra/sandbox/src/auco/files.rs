//! `GET /auco/files/{code}/{attempt}/{kind}.jpg`: the bucket behind the picture links.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{StatusCode, header};

use crate::Sandbox;
use crate::answers::{Refused, page, xml};
use crate::faults::{Call, FaultKind};
use crate::links::{LinkRefused, Signature};
use crate::script::PictureFault;

/// The path that is signed, below the base URL.
pub(super) fn path(code: &str, attempt: usize, kind: &str) -> String {
    format!("/auco/files/{code}/{attempt}/{kind}.jpg")
}

pub(super) async fn download(
    State(sandbox): State<Sandbox>,
    Path((code, attempt, file)): Path<(String, String, String)>,
    Query(signature): Query<Signature>,
) -> Result<Response, Refused> {
    sandbox.state().calls.downloads += 1;
    let path = format!("/auco/files/{code}/{attempt}/{file}");
    sandbox.inner.links.check(&path, &signature, sandbox.now()).map_err(|refused| match refused {
        LinkRefused::NotSigned => xml(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        LinkRefused::Expired => expired(),
    })?;
    let place = attempt.parse().ok().zip(file.strip_suffix(".jpg"));
    let found = place.and_then(|(attempt, kind)| look_up(&sandbox, &code, attempt, kind));
    let Some((pieces, trouble)) = found else {
        return Err(xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.").into());
    };
    if trouble == Some(Trouble::Slow) {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer(pieces, trouble))
}

/// What goes wrong with one download.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    Scripted(PictureFault),
    Html { as_picture: bool },
    Overloaded,
    Slow,
}

/// The picture's pieces and what goes wrong; counts the download.
fn look_up(sandbox: &Sandbox, code: &str, attempt: usize, kind: &str) -> Option<(Vec<Bytes>, Option<Trouble>)> {
    let dice = sandbox.inner.dice;
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let process = state.auco.get_mut(code)?;
    let picture = process.picture(attempt, kind)?;
    let count = process.downloads.entry(format!("{attempt}/{kind}")).or_default();
    let before = *count;
    *count = before.saturating_add(1);
    let label = format!("{code} {attempt} {kind} {before}");
    let html = Trouble::Html { as_picture: dice.coin(&format!("html as picture {label}")) };
    let by_chance = || {
        faults.roll(dice, Call::Download, &label).and_then(|kind| match kind {
            FaultKind::ServerError => Some(Trouble::Overloaded),
            FaultKind::Hang => Some(Trouble::Slow),
            FaultKind::CutOffPicture => Some(Trouble::Scripted(PictureFault::CutOff)),
            FaultKind::HtmlPicture => Some(html),
            FaultKind::WrongContentType => Some(Trouble::Scripted(PictureFault::WrongType)),
            FaultKind::LinkExpired => Some(Trouble::Scripted(PictureFault::Gone)),
            FaultKind::ErrorAfterEffect | FaultKind::RateLimited | FaultKind::NotJson => None,
        })
    };
    let trouble = match process.script.picture_fault(before) {
        Some(PictureFault::Html) => Some(html),
        Some(fault) => Some(Trouble::Scripted(fault)),
        None => by_chance(),
    };
    if matches!(trouble, None | Some(Trouble::Slow)) {
        process.served += 1;
    }
    state.save_or_warn(code);
    Some((picture.pieces(), trouble))
}

fn answer(pieces: Vec<Bytes>, trouble: Option<Trouble>) -> Response {
    match trouble {
        None | Some(Trouble::Slow) => whole(pieces, "image/jpeg"),
        Some(Trouble::Scripted(PictureFault::WrongType)) => whole(pieces, "text/html"),
        Some(Trouble::Scripted(PictureFault::CutOff)) => cut_off(&pieces),
        Some(Trouble::Scripted(PictureFault::Gone)) => expired(),
        Some(Trouble::Html { as_picture: true }) => ([(header::CONTENT_TYPE, "image/jpeg")], page().0).into_response(),
        Some(Trouble::Scripted(PictureFault::Html) | Trouble::Html { as_picture: false }) => page().into_response(),
        Some(Trouble::Overloaded) => {
            xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
        }
    }
}

fn whole(pieces: Vec<Bytes>, content_type: &'static str) -> Response {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, io::Error>)));
    ([(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_LENGTH, length.to_string())], body)
        .into_response()
}

/// Announces the whole and breaks off half way. The pause lets the first half leave before the connection ends.
fn cut_off(pieces: &[Bytes]) -> Response {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let half = pieces.first().map(|piece| piece.slice(..piece.len() / 2)).unwrap_or_default();
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let body = Body::from_stream(stream::iter([Ok(half)]).chain(end));
    ([(header::CONTENT_TYPE, "image/jpeg".to_owned()), (header::CONTENT_LENGTH, length.to_string())], body)
        .into_response()
}

fn expired() -> Response {
    xml(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired")
}

//! The bucket behind each provider's links to pictures and videos: who may download, and what goes wrong with a download.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{StatusCode, header};

use crate::answers::{Refused, page, xml};
use crate::dice::Dice;
use crate::faults::{Call, FaultKind, Faults};
use crate::links::{LinkRefused, Signature};
use crate::sandbox::Sandbox;
use crate::script::{FaultSequence, PictureFault};

/// The content of a download, and its fault.
pub(crate) struct Download {
    /// Sent one after another; large ones share their memory.
    pub pieces: Vec<Bytes>,
    pub content_type: &'static str,
    pub fault: Option<DownloadFault>,
}

/// The fault of one download.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DownloadFault {
    Scripted(PictureFault),
    Html { disguised: bool },
    Overloaded,
    Slow,
}

impl DownloadFault {
    /// Of the download `label` of a picture that was asked for `before` times: the script's, else by chance.
    pub fn of(
        dice: Dice,
        script: &FaultSequence<PictureFault>,
        faults: &Faults,
        before: u32,
        label: &str,
    ) -> Option<DownloadFault> {
        let html = DownloadFault::Html { disguised: dice.coin(&format!("html as picture {label}")) };
        match script.after(before) {
            Some(PictureFault::Html) => return Some(html),
            Some(fault) => return Some(DownloadFault::Scripted(fault)),
            None => {}
        }
        faults.roll(dice, Call::Download, label).and_then(|kind| match kind {
            FaultKind::ServerError => Some(DownloadFault::Overloaded),
            FaultKind::Hang => Some(DownloadFault::Slow),
            FaultKind::CutOffPicture => Some(DownloadFault::Scripted(PictureFault::CutOff)),
            FaultKind::HtmlPicture => Some(html),
            FaultKind::WrongContentType => Some(DownloadFault::Scripted(PictureFault::WrongType)),
            FaultKind::LinkExpired => Some(DownloadFault::Scripted(PictureFault::Gone)),
            FaultKind::ErrorAfterEffect | FaultKind::RateLimited | FaultKind::NotJson => None,
        })
    }

    /// Whether the picture is served completely and correctly anyway.
    pub fn is_harmless(fault: Option<DownloadFault>) -> bool {
        matches!(fault, None | Some(DownloadFault::Slow))
    }
}

/// Counts the request and checks its signature.
pub(crate) fn admit(sandbox: &Sandbox, path: &str, signature: &Signature) -> Result<(), Refused> {
    sandbox.state().calls.downloads += 1;
    sandbox.inner.links.check(path, signature, sandbox.now()).map_err(|refused| match refused {
        LinkRefused::NotSigned => xml(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )
        .into(),
        LinkRefused::Expired => expired().into(),
    })
}

/// The answer to an admitted request; `None` is no such picture.
pub(crate) async fn serve(sandbox: &Sandbox, found: Option<Download>) -> Result<Response, Refused> {
    let Some(download) = found else {
        return Err(xml(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.").into());
    };
    if download.fault == Some(DownloadFault::Slow) {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer(download))
}

fn answer(Download { pieces, content_type, fault }: Download) -> Response {
    match fault {
        None | Some(DownloadFault::Slow) => whole(pieces, content_type),
        Some(DownloadFault::Scripted(PictureFault::WrongType)) => whole(pieces, "text/html"),
        Some(DownloadFault::Scripted(PictureFault::CutOff)) => cut_off(pieces, content_type),
        Some(DownloadFault::Scripted(PictureFault::Gone)) => expired(),
        Some(DownloadFault::Html { disguised: true }) => {
            ([(header::CONTENT_TYPE, content_type)], page().0).into_response()
        }
        Some(DownloadFault::Scripted(PictureFault::Html) | DownloadFault::Html { disguised: false }) => {
            page().into_response()
        }
        Some(DownloadFault::Overloaded) => {
            xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
        }
    }
}

fn whole(pieces: Vec<Bytes>, content_type: &'static str) -> Response {
    let length = pieces.iter().map(Bytes::len).sum();
    let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, io::Error>)));
    (headers(content_type, length), body).into_response()
}

/// Ranges are not supported: the answer is always the whole file.
fn headers(content_type: &'static str, length: usize) -> [(header::HeaderName, String); 3] {
    [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "none".to_owned()),
    ]
}

/// Announces the whole file and ends the connection half way. The pause lets the first half leave before.
fn cut_off(pieces: Vec<Bytes>, content_type: &'static str) -> Response {
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let mut left = length / 2;
    let half = pieces.into_iter().map_while(move |mut piece| {
        piece.truncate(left);
        left -= piece.len();
        (!piece.is_empty()).then_some(Ok(piece))
    });
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    (headers(content_type, length), Body::from_stream(stream::iter(half).chain(end))).into_response()
}

fn expired() -> Response {
    xml(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired")
}

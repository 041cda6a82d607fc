//! From Cotejo's terms to LINK's and back.
//!
//! | file | subject |
//! | --- | --- |
//! | `automatic` | the machine's verdict: the answer to a submission |
//! | `manual` | the reviewers' verdict: the body of a callback |
//! | `fields` | the data that the machine extracted |

mod automatic;
mod fields;
mod manual;

use uuid::Uuid;

pub(super) use self::{
    automatic::{automatic, progress},
    manual::manual,
};
use super::{options, wire};
use crate::{
    process::{EvidenceKind, ProcessRequest},
    providers::{ProviderError, Round, Submission, wire::code},
};

/// Checks of one answer that the process keeps.
const MAX_CHECKS: usize = 100;
/// Bytes of an extracted text that the process keeps.
const MAX_TEXT_BYTES: usize = 500;

/// The body of a submission.
pub(super) fn verify<'a>(id: Uuid, submission: &'a Submission<'_>) -> Result<wire::Verify<'a>, ProviderError> {
    let rejected = ProviderError::rejected;
    let options = options::read(submission.request.options.expose()).map_err(|_| rejected("options_invalid"))?;
    let picture = |kind| {
        let picture = submission.pictures.iter().find(|picture| picture.kind == kind);
        picture.map(|picture| picture.bytes.as_ref())
    };
    let front = picture(EvidenceKind::DocumentFront).ok_or_else(|| rejected("pictures_missing"))?;
    let back = picture(EvidenceKind::DocumentBack).map(|content| wire::Image { content, face_image: None });
    let front = wire::Image { content: front, face_image: picture(EvidenceKind::Selfie) };
    // Without a URL LINK would call the one in the account's settings, which we do not know.
    let ours = |url: &'a Option<String>| url.as_deref().ok_or_else(|| rejected("callback_url_unknown"));
    let manual = options.manual || submission.round == Round::Escalated;
    Ok(wire::Verify {
        id: id.to_string(),
        images: std::iter::once(front).chain(back).collect(),
        expeditor_country: &submission.request.document.country,
        certify: options.certify,
        certify_callback: if options.certify { ours(&submission.callbacks.certificate)? } else { "" },
        manual_verification: manual.then_some(true),
        manual_verification_callback: if manual { Some(ours(&submission.callbacks.result)?) } else { None },
    })
}

fn has_face(request: &ProcessRequest) -> bool {
    request.pictures.contains(&EvidenceKind::Selfie)
}

/// The first of LINK's words that is a code.
fn provider_result<'a>(words: impl IntoIterator<Item = Option<&'a str>>) -> Option<String> {
    words.into_iter().flatten().find_map(code).map(str::to_owned)
}

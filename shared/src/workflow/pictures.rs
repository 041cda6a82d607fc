//! The pictures submitted with a process: inline, or as an earlier upload.
//!
//! Every error in them is found before anything is stored. The format is detected from the bytes, not from a name.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::answer::copy_of;
use crate::{
    common::{FieldError, TenantId, shape::shape},
    evidence::{Copier, CopyError, MAX_PICTURE_BYTES},
    objects::MediaFormat,
    process::{CopyOutcome, EvidenceKind, ObservedMedia, ProcessId},
    providers::Picture,
    workflow::Error,
};

#[derive(Default, Deserialize)]
struct Pictures {
    #[serde(default)]
    document_front: Option<Given>,
    #[serde(default)]
    document_back: Option<Given>,
    #[serde(default)]
    selfie: Option<Given>,
}

/// One picture in that field.
#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    upload_id: Option<Uuid>,
}

/// A submitted picture.
pub(super) struct Input {
    /// The part of the document, or the face, that it shows.
    pub kind: EvidenceKind,
    from: From,
}

enum From {
    Inline(Bytes),
    Upload(Uuid),
}

/// Why pictures cannot be used.
pub(super) enum NoPictures {
    /// The pictures are invalid.
    Wrong(Vec<FieldError>),
    /// The bucket fails.
    Unavailable,
}

impl std::convert::From<NoPictures> for Error {
    fn from(error: NoPictures) -> Self {
        match error {
            NoPictures::Wrong(problems) => Self::Invalid(problems),
            NoPictures::Unavailable => Self::Unavailable,
        }
    }
}

/// Removes the pictures from a request's body and returns them.
///
/// # Errors
/// One error for each picture with a wrong shape.
pub(super) fn take(request: &mut Value) -> Result<Vec<Input>, Vec<FieldError>> {
    let Some(given) = request.as_object_mut().and_then(|fields| fields.remove("pictures")) else {
        return Ok(Vec::new());
    };
    let pictures: Pictures = shape(&given, "pictures").map_err(|problem| vec![problem])?;
    let (mut inputs, mut problems) = (Vec::new(), Vec::new());
    for (kind, given) in [
        (EvidenceKind::DocumentFront, pictures.document_front),
        (EvidenceKind::DocumentBack, pictures.document_back),
        (EvidenceKind::Selfie, pictures.selfie),
    ] {
        let from = match given {
            None => continue,
            Some(Given { content: Some(text), upload_id: None }) => inline(&text).map(From::Inline),
            Some(Given { content: None, upload_id: Some(id) }) => Ok(From::Upload(id)),
            Some(_) => Err("must have either content or upload_id"),
        };
        match from {
            Ok(from) => inputs.push(Input { kind, from }),
            Err(message) => problems.push(FieldError::new(path(kind), message)),
        }
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

/// The ids of the uploads among the pictures.
pub(super) fn uploads(inputs: &[Input]) -> Vec<Uuid> {
    let id = |input: &Input| match input.from {
        From::Upload(id) => Some(id),
        From::Inline(_) => None,
    };
    inputs.iter().filter_map(id).collect()
}

/// The bytes of all pictures, each one a complete file.
///
/// # Errors
/// See [`NoPictures`].
pub(super) async fn gather(copier: &Copier, tenant: &TenantId, inputs: Vec<Input>) -> Result<Vec<Picture>, NoPictures> {
    let (mut pictures, mut problems) = (Vec::new(), Vec::new());
    for Input { kind, from } in inputs {
        let wrong = |message| FieldError::new(path(kind), message);
        let bytes = match from {
            From::Inline(bytes) => bytes,
            From::Upload(id) => match copier.read_upload(tenant, id).await {
                Ok(bytes) => bytes,
                Err(CopyError::NotFound) => {
                    problems.push(wrong("does not refer to a completed upload"));
                    continue;
                }
                Err(CopyError::TooLarge) => {
                    problems.push(wrong(TOO_LARGE));
                    continue;
                }
                Err(_) => return Err(NoPictures::Unavailable),
            },
        };
        match problem_of(&bytes) {
            None => pictures.push(Picture { kind, bytes }),
            Some(message) => problems.push(wrong(message)),
        }
    }
    if problems.is_empty() { Ok(pictures) } else { Err(NoPictures::Wrong(problems)) }
}

/// Stores the pictures as the process's evidence. A repeat changes nothing.
///
/// # Errors
/// [`NoPictures::Unavailable`].
pub(super) async fn store(
    copier: &Copier,
    tenant: &TenantId,
    process: ProcessId,
    pictures: &[Picture],
) -> Result<Vec<ObservedMedia>, NoPictures> {
    let stored = pictures.iter().map(|picture| async move {
        let copy = copier.store_submitted(tenant, process, picture.kind, picture.bytes.clone()).await;
        Ok(ObservedMedia {
            source: picture.kind.submitted_source(),
            kind: picture.kind,
            attempt: 1,
            captured_at: None,
            outcome: CopyOutcome::Stored(copy_of(copy.map_err(|_| NoPictures::Unavailable)?)),
        })
    });
    futures_util::future::join_all(stored).await.into_iter().collect()
}

const TOO_LARGE: &str = "must have at most 10 MiB";

fn inline(text: &str) -> Result<Bytes, &'static str> {
    BASE64.decode(text).map(Bytes::from).map_err(|_| "must have content in base64, without line breaks")
}

fn problem_of(bytes: &Bytes) -> Option<&'static str> {
    if bytes.len() > MAX_PICTURE_BYTES {
        return Some(TOO_LARGE);
    }
    match MediaFormat::of(bytes) {
        Some(format @ (MediaFormat::Jpeg | MediaFormat::Png | MediaFormat::Pdf)) if format.is_whole(bytes) => None,
        _ => Some("must be a complete JPEG, PNG or PDF"),
    }
}

fn path(kind: EvidenceKind) -> String {
    format!("pictures.{}", kind.as_str())
}

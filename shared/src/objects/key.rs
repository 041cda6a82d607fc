//! The keys of our objects in S3, and the headers with which they are downloaded.
//!
//! This is the only place that builds a key. Most keys end in the SHA-256 of the object's bytes, so that writing
//! again always writes the same object. The exceptions are named by the origin of their bytes: uploads, files of
//! jobs, and videos, whose hash is known only after they are stored.

use std::fmt;

use uuid::Uuid;

use crate::{
    common::TenantId,
    objects::MediaFormat,
    process::{EvidenceKind, ProcessId},
};

/// The key of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKey<'a> {
    /// A picture kept as evidence: `tenant/process/evidence/document_front-1-<sha256>.jpg`.
    Evidence {
        tenant: &'a TenantId,
        process: ProcessId,
        kind: EvidenceKind,
        /// The person's attempt, from 1; 0 where it belongs to none.
        attempt: u32,
        sha256: [u8; 32],
        format: MediaFormat,
    },
    /// A provider's raw answer: `tenant/process/raw/<sha256>.json`.
    Raw { tenant: &'a TenantId, process: ProcessId, sha256: [u8; 32], form: RawForm },
    /// A callback's body that is too large for the table: `tenant/process/callbacks/<sha256>`.
    CallbackBody { tenant: &'a TenantId, process: ProcessId, sha256: [u8; 32] },
    /// A provider's certificate: `tenant/process/certificate-<sha256>.pdf`.
    Certificate { tenant: &'a TenantId, process: ProcessId, sha256: [u8; 32] },
    /// A file that a customer uploads before creating a process: `_uploads/tenant/<uuid>/file`. One prefix for all
    /// tenants, so that one lifecycle rule covers it; no tenant's id begins with `_`.
    Upload { tenant: &'a TenantId, id: Uuid },
    /// A file of a job: `_jobs/tenant/<uuid>/source`, `…/piece-7`, `…/result-9.csv`. One prefix for all tenants, so
    /// that one lifecycle rule covers it.
    Job {
        tenant: &'a TenantId,
        /// The job's run, which is unique.
        run: Uuid,
        file: JobFile,
    },
    /// A video kept as evidence: `tenant/process/evidence/video-<hash>.mp4`. It is streamed, so its key is needed
    /// before its bytes are known.
    Video {
        tenant: &'a TenantId,
        process: ProcessId,
        /// SHA-256 of the provider's own identity of the video.
        source_hash: [u8; 32],
        /// From its first bytes.
        format: MediaFormat,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFile {
    /// The job's input.
    Source,
    /// The rows of the input, where it was a workbook or in UTF-16.
    Workbook,
    /// The output of one try of a step, by the number of the try.
    Piece(u64),
    /// The job's result, by the number of the try that ended it.
    Result(u64),
}

/// The form of a provider's raw answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawForm {
    RawJson,
    /// Anything else: kept under `.bin`.
    Other,
}

impl RawForm {
    /// Checks the whole body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            Ok(_) => Self::RawJson,
            Err(_) => Self::Other,
        }
    }
}

impl ObjectKey<'_> {
    /// The prefix of all uploads, and of nothing else.
    #[must_use]
    pub fn upload_prefix(tenant: &TenantId, id: Uuid) -> String {
        format!("_uploads/{tenant}/{}/", id.hyphenated())
    }

    /// The prefix of everything that a process keeps, and of nothing else: `tenant/process/`.
    #[must_use]
    pub fn process_prefix(tenant: &TenantId, process: ProcessId) -> String {
        format!("{tenant}/{process}/")
    }

    /// The object's Content-Type; `None` for an upload, which has the announced one.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Evidence { format, .. } | Self::Video { format, .. } => format.content_type(),
            Self::Raw { form: RawForm::RawJson, .. } => "application/json",
            Self::Certificate { .. } => MediaFormat::Pdf.content_type(),
            Self::Job { .. } => "text/csv; charset=utf-8",
            Self::Raw { form: RawForm::Other, .. } | Self::CallbackBody { .. } | Self::Upload { .. } => {
                "application/octet-stream"
            }
        }
    }

    /// The object's Content-Disposition: pictures may be shown, other files are only saved.
    #[must_use]
    pub fn content_disposition(&self) -> &'static str {
        match self {
            Self::Evidence { format, .. } if format.is_image() => "inline",
            _ => "attachment",
        }
    }

    /// The object's Cache-Control: a cached copy would survive a redaction.
    #[must_use]
    pub fn cache_control(&self) -> &'static str {
        "private, no-store"
    }
}

impl fmt::Display for ObjectKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evidence { tenant, process, kind, attempt, sha256, format } => {
                let (kind, hash, extension) = (kind.as_str(), hex::encode(sha256), format.extension());
                write!(f, "{tenant}/{process}/evidence/{kind}-{attempt}-{hash}.{extension}")
            }
            Self::Raw { tenant, process, sha256, form } => {
                let extension = match form {
                    RawForm::RawJson => "json",
                    RawForm::Other => "bin",
                };
                write!(f, "{tenant}/{process}/raw/{}.{extension}", hex::encode(sha256))
            }
            Self::CallbackBody { tenant, process, sha256 } => {
                write!(f, "{tenant}/{process}/callbacks/{}", hex::encode(sha256))
            }
            Self::Certificate { tenant, process, sha256 } => {
                write!(f, "{tenant}/{process}/certificate-{}.pdf", hex::encode(sha256))
            }
            Self::Job { tenant, run, file } => match file {
                JobFile::Source => write!(f, "_jobs/{tenant}/{run}/source"),
                JobFile::Workbook => write!(f, "_jobs/{tenant}/{run}/source.csv"),
                JobFile::Piece(number) => write!(f, "_jobs/{tenant}/{run}/piece-{number}"),
                JobFile::Result(number) => write!(f, "_jobs/{tenant}/{run}/result-{number}.csv"),
            },
            Self::Upload { tenant, id } => write!(f, "{}file", Self::upload_prefix(tenant, *id)),
            Self::Video { tenant, process, source_hash, format } => {
                write!(f, "{tenant}/{process}/evidence/video-{}.{}", hex::encode(source_hash), format.extension())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const PROCESS: &str = "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11";

    #[test]
    fn a_key_says_whose_what_and_which_bytes() {
        let (tenant, process) = ("acme-es".parse().unwrap(), PROCESS.parse().unwrap());
        let (sha256, hash) = ([0xab; 32], "ab".repeat(32));
        let kind = EvidenceKind::DocumentFront;
        let picture =
            ObjectKey::Evidence { tenant: &tenant, process, kind, attempt: 1, sha256, format: MediaFormat::Jpeg };
        assert_eq!(picture.to_string(), format!("acme-es/{PROCESS}/evidence/document_front-1-{hash}.jpg"));
        let raw = |form| ObjectKey::Raw { tenant: &tenant, process, sha256, form };
        assert_eq!(raw(RawForm::RawJson).to_string(), format!("acme-es/{PROCESS}/raw/{hash}.json"));
        assert_eq!(raw(RawForm::Other).to_string(), format!("acme-es/{PROCESS}/raw/{hash}.bin"));
        let callback = ObjectKey::CallbackBody { tenant: &tenant, process, sha256 };
        assert_eq!(callback.to_string(), format!("acme-es/{PROCESS}/callbacks/{hash}"));
        let certificate = ObjectKey::Certificate { tenant: &tenant, process, sha256 };
        assert_eq!(certificate.to_string(), format!("acme-es/{PROCESS}/certificate-{hash}.pdf"));
        let video = |format| ObjectKey::Video { tenant: &tenant, process, source_hash: sha256, format };
        assert_eq!(video(MediaFormat::Mp4).to_string(), format!("acme-es/{PROCESS}/evidence/video-{hash}.mp4"));
        assert_eq!(video(MediaFormat::WebM).to_string(), format!("acme-es/{PROCESS}/evidence/video-{hash}.webm"));
        let prefix = ObjectKey::process_prefix(&tenant, process);
        for kept in [picture, raw(RawForm::RawJson), callback, certificate, video(MediaFormat::Mp4)] {
            assert!(kept.to_string().starts_with(&prefix), "{kept}");
        }
    }

    #[test]
    fn uploads_of_all_tenants_lie_under_a_prefix_that_is_nobodys() {
        let (tenant, id) = ("acme-es".parse().unwrap(), PROCESS.parse().unwrap());
        let upload = ObjectKey::Upload { tenant: &tenant, id };
        assert_eq!(upload.to_string(), format!("_uploads/acme-es/{PROCESS}/file"));
        assert!("_uploads".parse::<TenantId>().is_err());
        let piece = ObjectKey::Job { tenant: &tenant, run: id, file: JobFile::Piece(7) };
        assert_eq!(piece.to_string(), format!("_jobs/acme-es/{PROCESS}/piece-7"));
    }

    #[test]
    fn only_pictures_are_shown_in_place() {
        let (tenant, process, sha256) = ("acme".parse().unwrap(), PROCESS.parse().unwrap(), [0; 32]);
        let kind = EvidenceKind::Selfie;
        let picture = |format| ObjectKey::Evidence { tenant: &tenant, process, kind, attempt: 1, sha256, format };
        assert_eq!(picture(MediaFormat::Png).content_type(), "image/png");
        assert_eq!(picture(MediaFormat::Png).content_disposition(), "inline");
        assert_eq!(picture(MediaFormat::Pdf).content_disposition(), "attachment");
        let raw = ObjectKey::Raw { tenant: &tenant, process, sha256, form: RawForm::of(b"{\"a\":1}") };
        assert_eq!((raw.content_type(), raw.content_disposition()), ("application/json", "attachment"));
        let html = ObjectKey::Raw { tenant: &tenant, process, sha256, form: RawForm::of(b"<html>") };
        assert_eq!(html.content_type(), "application/octet-stream");
        let video = ObjectKey::Video { tenant: &tenant, process, source_hash: sha256, format: MediaFormat::WebM };
        assert_eq!((video.content_type(), video.content_disposition()), ("video/webm", "attachment"));
        let certificate = ObjectKey::Certificate { tenant: &tenant, process, sha256 };
        assert_eq!((certificate.content_type(), certificate.content_disposition()), ("application/pdf", "attachment"));
    }
}

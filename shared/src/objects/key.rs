//! What our objects in S3 are called, and how they are described to whoever downloads them.
//!
//! This is the only place that builds a key. Most keys end in the SHA-256 of the bytes they name, so that an object under
//! one can be written any number of times and is always the same one. The two others are named by where their bytes come
//! from, and say so: an upload, and a video, whose hash is known only once all of it has been stored.

use std::fmt;

use uuid::Uuid;

use crate::{
    common::TenantId,
    objects::MediaFormat,
    process::{EvidenceKind, ProcessId},
};

/// The name of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKey<'a> {
    /// A picture kept as evidence: `tenant/process/evidence/document_front-1-<sha256>.jpg`.
    Evidence {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The process it belongs to.
        process: ProcessId,
        /// What it shows.
        kind: EvidenceKind,
        /// Which of the person's tries it shows, from 1; 0 where it belongs to none.
        attempt: u32,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
        /// What the bytes are.
        format: MediaFormat,
    },
    /// A provider's answer, untouched: `tenant/process/raw/<sha256>.json`.
    Raw {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The process it belongs to.
        process: ProcessId,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
        /// What the bytes are.
        form: RawForm,
    },
    /// A callback's body that is too large for the table: `tenant/process/callbacks/<sha256>`.
    CallbackBody {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The process it belongs to.
        process: ProcessId,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
    },
    /// A provider's certificate: `tenant/process/certificate-<sha256>.pdf`.
    Certificate {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The process it belongs to.
        process: ProcessId,
        /// SHA-256 of the bytes.
        sha256: [u8; 32],
    },
    /// A file that a customer brings before the process that it is for: `_uploads/tenant/<uuid>/file`. All tenants' are under
    /// one prefix, which one lifecycle rule covers; no tenant's name begins with `_`.
    Upload {
        /// Whose it is.
        tenant: &'a TenantId,
        /// Its name.
        id: Uuid,
    },
    /// A file of a job: `_jobs/tenant/<uuid>/source`, `…/piece-7`, `…/result-9.csv`. All tenants' are under one prefix, which
    /// one lifecycle rule covers.
    Job {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The job's run, which no other job has.
        run: Uuid,
        /// Which of its files.
        file: JobFile,
    },
    /// A video kept as evidence: `tenant/process/evidence/video-<hash>.mp4`. Streamed, so that it needs a name before its
    /// bytes are known.
    Video {
        /// Whose it is.
        tenant: &'a TenantId,
        /// The process it belongs to.
        process: ProcessId,
        /// SHA-256 of the provider's own identity of it.
        source_hash: [u8; 32],
        /// What its first bytes say it is.
        format: MediaFormat,
    },
}

/// A file of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFile {
    /// What it was given.
    Source,
    /// The rows of what it was given, where that was a workbook or in UTF-16.
    Workbook,
    /// What one try at a step made, by the number of that try.
    Piece(u64),
    /// What came of it, by the number of the try that ended it.
    Result(u64),
}

/// What a provider answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawForm {
    /// JSON, as expected.
    RawJson,
    /// Anything else: kept under `.bin`.
    Other,
}

impl RawForm {
    /// Looks at the whole body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
            Ok(_) => Self::RawJson,
            Err(_) => Self::Other,
        }
    }
}

impl ObjectKey<'_> {
    /// What the name of an upload begins with, and nothing else's does.
    #[must_use]
    pub fn upload_prefix(tenant: &TenantId, id: Uuid) -> String {
        format!("_uploads/{tenant}/{}/", id.hyphenated())
    }

    /// What the keys of all that a process keeps begin with, and no other key does: `tenant/process/`.
    #[must_use]
    pub fn process_prefix(tenant: &TenantId, process: ProcessId) -> String {
        format!("{tenant}/{process}/")
    }

    /// The object's Content-Type. For an upload it is the one that was announced, which is not known here.
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

    /// The object's Content-Disposition: a picture may be shown, what others wrote is only ever saved.
    #[must_use]
    pub fn content_disposition(&self) -> &'static str {
        match self {
            Self::Evidence { format, .. } if format.is_image() => "inline",
            _ => "attachment",
        }
    }

    /// The object's Cache-Control: a copy in a cache would outlive a redaction.
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

//! The demo's verifications and their expected results.

use super::providers::Provider;

/// A verification of the demo.
pub(super) struct Script {
    pub provider: Provider,
    /// The script, in the sandbox's words.
    pub words: &'static str,
    /// The options of the request that are `true`.
    pub options: &'static [&'static str],
    /// The same for people.
    pub meaning: &'static str,
    /// How it must end.
    pub status: &'static str,
    /// Whether the process must have a reason. A rejection has one, and so has a reviewer's decision against the automatic result.
    pub has_reason: bool,
    /// The expected checks, with their outcomes.
    pub checks: &'static [(&'static str, &'static str)],
}

impl Script {
    /// Its words and what is asked for.
    pub(super) fn name(&self) -> String {
        std::iter::once(&self.words).chain(self.options).copied().collect::<Vec<_>>().join(", ")
    }

    /// Whether the process must have a certificate.
    pub(super) fn certifies(&self) -> bool {
        self.options.contains(&"certify")
    }
}

/// All verifications of the demo.
pub(super) const SCRIPTS: [Script; 7] = [
    Script {
        provider: Provider::Auco,
        words: "approved",
        options: &[],
        meaning: "a good first attempt",
        status: "approved",
        has_reason: false,
        checks: &[("attempt", "passed")],
    },
    Script {
        provider: Provider::Auco,
        words: "second-attempt",
        options: &[],
        meaning: "a bad attempt, then a good one",
        status: "approved",
        has_reason: false,
        checks: &[("attempt", "failed"), ("attempt", "passed")],
    },
    Script {
        provider: Provider::Auco,
        words: "blocked-validated",
        options: &[],
        meaning: "three bad attempts, a reviewer approves",
        status: "approved",
        has_reason: true,
        checks: &[("attempt", "failed")],
    },
    Script {
        provider: Provider::Auco,
        words: "rejected",
        options: &[],
        meaning: "three bad attempts, a reviewer refuses",
        status: "rejected",
        has_reason: true,
        checks: &[("attempt", "failed")],
    },
    Script {
        provider: Provider::Link,
        words: "ok",
        options: &["certify"],
        meaning: "both sides and a face, by machine, with a certificate",
        status: "approved",
        has_reason: false,
        checks: &[("test_global_authenticity_value", "passed"), ("test_face_recognition_value", "passed")],
    },
    Script {
        provider: Provider::Link,
        words: "not-approved",
        options: &["manual"],
        meaning: "the same by hand: forged, expired, another face",
        status: "rejected",
        has_reason: true,
        checks: &[
            ("document_approval", "failed"),
            ("evidence_of_forgery_biodata_fonts", "failed"),
            ("evidence_of_forgery_mrz_fonts", "failed"),
            ("evidence_of_forgery_photo_zone", "failed"),
            ("evidence_of_forgery_signature", "failed"),
            ("evidence_of_forgery_black_and_white_copy", "failed"),
            ("evidence_of_forgery_document_structure", "failed"),
            ("evidence_of_forgery_mrz_checksums", "failed"),
            ("expired_or_invalidated", "failed"),
            ("face_comparison", "failed"),
            ("face_liveness", "failed"),
        ],
    },
    Script {
        provider: Provider::Tecalis,
        words: "approved",
        options: &[],
        meaning: "proof of life on video, then the document",
        status: "approved",
        has_reason: false,
        checks: &[("pol", "passed"), ("ocr", "passed"), ("fraud_face", "passed"), ("mrz_validate", "passed")],
    },
];

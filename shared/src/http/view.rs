//! The JSON of a process and of a channel, as customers see it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    common::Private,
    notify::{Channel, Config, Topic, channel::SigningSecret, slack},
    process::{
        Certificate, CertificateState, Copy, Decision, Evidence, Findings, Process, StoredCopy, request::Person,
        timeline::TimelineEntry,
    },
};

/// A complete process.
#[derive(Serialize)]
pub struct ProcessView<'a> {
    id: String,
    provider: &'a str,
    provider_reference: Option<&'a str>,
    status: &'a str,
    status_reason: Option<&'a str>,
    evidence_state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a Person>,
    document: DocumentView<'a>,
    findings: &'a Findings,
    evidence: Vec<EvidenceView<'a>>,
    certificate: CertificateView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a Decision>,
    timeline: &'a [TimelineEntry],
    consent: Option<&'a crate::process::request::Consent>,
    metadata: &'a std::collections::BTreeMap<String, Value>,
    tags: &'a [String],
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_hold_until: Option<Timestamp>,
    /// Whether every stored object of the process is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct DocumentView<'a> {
    country: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a Private<String>>,
}

#[derive(Serialize)]
struct EvidenceView<'a> {
    id: String,
    kind: &'a str,
    attempt: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    captured_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct CertificateView<'a> {
    /// `none`, `pending`, `stored`, `failed` or `redacted`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> CertificateView<'a> {
    fn of(certificate: Option<&'a Certificate>) -> Self {
        let certificate = certificate.map(|certificate| &certificate.state);
        let state = certificate.map_or("none", CertificateState::as_str);
        let (stored, reason) = match certificate {
            None | Some(CertificateState::Pending { .. }) => (None, None),
            Some(
                CertificateState::Stored(StoredCopy { bytes, sha256, .. })
                | CertificateState::Redacted { bytes, sha256 },
            ) => (Some((bytes, sha256)), None),
            Some(CertificateState::Failed { reason }) => (None, Some(reason.as_str())),
        };
        let (bytes, sha256) = (stored.map(|(bytes, _)| *bytes), stored.map(|(_, sha256)| sha256.as_str()));
        Self { state, bytes, sha256, reason }
    }
}

impl<'a> ProcessView<'a> {
    #[must_use]
    pub fn of(process: &'a Process) -> Self {
        let request = &process.request;
        Self {
            id: process.id.to_string(),
            provider: &process.provider,
            provider_reference: process.provider_reference.as_deref(),
            status: process.status.as_str(),
            status_reason: process.status_reason.as_deref(),
            evidence_state: process.evidence_state().as_str(),
            // A redacted process has no name to show.
            person: process.redaction.is_none().then_some(&request.person),
            document: DocumentView {
                country: &request.document.country,
                kind: &request.document.kind,
                number: process.redaction.is_none().then_some(&request.document.number),
            },
            findings: &process.findings,
            evidence: process.evidence.iter().map(EvidenceView::of).collect(),
            certificate: CertificateView::of(process.certificate.as_ref()),
            decision: process.decision.as_ref(),
            timeline: process.timeline.entries(),
            consent: request.consent.as_ref(),
            metadata: request.metadata.expose(),
            tags: &request.tags,
            created_at: process.created_at,
            updated_at: process.updated_at,
            expires_at: process.expires_at,
            legal_hold_until: process.legal_hold_until,
            held: process.held().filter(|_| process.redaction.is_none()),
            redacted_at: process.redaction.as_ref().map(|redaction| redaction.at),
        }
    }
}

impl<'a> EvidenceView<'a> {
    fn of(piece: &'a Evidence) -> Self {
        let (state, stored, reason) = match &piece.copy {
            Copy::Pending { reason, .. } => ("pending", None, reason.as_deref()),
            Copy::Stored(StoredCopy { bytes, sha256, content_type, .. }) => {
                ("stored", Some((content_type, bytes, sha256)), None)
            }
            Copy::Redacted { bytes, sha256, content_type } => ("redacted", Some((content_type, bytes, sha256)), None),
            Copy::Incomplete { reason } => ("incomplete", None, Some(reason.as_str())),
        };
        Self {
            id: piece.id.to_string(),
            kind: piece.kind.as_str(),
            attempt: piece.attempt,
            state,
            content_type: stored.map(|(content_type, ..)| content_type.as_str()),
            bytes: stored.map(|(_, bytes, _)| *bytes),
            sha256: stored.map(|(.., sha256)| sha256.as_str()),
            reason,
            captured_at: piece.captured_at,
        }
    }
}

/// A channel in responses.
#[derive(Serialize)]
pub struct ChannelView<'a> {
    id: String,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    active: bool,
    events: &'a BTreeSet<Topic>,
    config: ConfigView<'a>,
    created_at: Timestamp,
    updated_at: Timestamp,
    failing_since: Option<Timestamp>,
    resting_until: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    disabled_reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ConfigView<'a> {
    Webhook {
        url: &'a str,
        secrets: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        secret: Option<&'a str>,
    },
    Slack {
        url: &'static str,
        with_names: bool,
    },
    Email {
        emails: &'a [Private<String>],
        with_names: bool,
    },
}

impl<'a> ChannelView<'a> {
    /// The view of `channel`. `secret` signs its webhooks; only one response shows it.
    #[must_use]
    pub fn of(channel: &'a Channel, secret: Option<&'a SecretString>) -> Self {
        let shown =
            |secret: &SigningSecret| json!({"hint": format!("whsec_…{}", secret.hint), "valid_until": secret.until});
        let (kind, config) = match &channel.config {
            Config::Webhook { url, secrets } => {
                let (secrets, secret) = (secrets.iter().map(shown).collect(), secret.map(ExposeSecret::expose_secret));
                ("webhook", ConfigView::Webhook { url, secrets, secret })
            }
            Config::Slack { with_names, .. } => {
                ("slack", ConfigView::Slack { url: slack::SHOWN, with_names: *with_names })
            }
            Config::Email { emails, with_names } => ("email", ConfigView::Email { emails, with_names: *with_names }),
        };
        Self {
            id: channel.id.to_string(),
            name: &channel.name,
            kind,
            active: channel.active,
            events: &channel.events,
            config,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
            failing_since: channel.trouble.map(|trouble| trouble.since),
            resting_until: channel.trouble.and_then(|trouble| trouble.breaker.resting_until()),
            disabled_at: channel.disabled.as_ref().map(|disabled| disabled.at),
            disabled_reason: channel.disabled.as_ref().map(|disabled| disabled.reason.as_str()),
        }
    }
}

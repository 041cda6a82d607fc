//! The provider's answers: what one says, and how it changes a process.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    CertificateNews, Event, Findings, Move, ObservedMedia, Process, Status, bounded, computed, findings::Source,
};

/// A reviewer's verdict that only a callback reported so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldVerdict {
    pub status: Status,
    pub code: String,
    /// A stable code, where the callback gives a reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// From then on it counts although the provider's answer still says "in review".
    pub usable_at: Timestamp,
}

/// What a provider's answer says about a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// When the provider was asked.
    pub observed_at: Timestamp,
    pub status: Status,
    /// A stable code.
    pub reason: Option<String>,
    pub findings: Findings,
    /// Every picture in the answer.
    pub media: Vec<ObservedMedia>,
    pub certificate: Option<CertificateNews>,
    /// Whether to submit the process again, to the provider's reviewers.
    pub escalate: bool,
    /// The parts of the answer that could not be read: names of ours or of the provider's documentation, never values.
    pub unread: Vec<String>,
}

impl Process {
    /// Applies a provider's answer. Answers may come twice, late and in any order.
    pub fn apply(&mut self, observation: &Observation, now: Timestamp) -> Vec<Event> {
        self.answered();
        self.asked_at = Some(now);
        let (before, given_up) = (self.stage(), self.given_up());
        let stale = self.observed_at.is_some_and(|newest| observation.observed_at < newest);
        if !stale {
            self.note_unread(&observation.unread, now);
            self.miss_media(&observation.media, now);
        }
        for media in &observation.media {
            self.note_media(media, now);
        }
        self.tell_copies(&given_up, now);
        let mut events = Vec::new();
        if !stale {
            let findings = self.findings_of(observation);
            self.observed_at = Some(observation.observed_at);
            if self.findings != findings {
                self.findings = findings;
                self.updated_at = now;
            }
            let (status, reason) = self.verdict_of(observation, now);
            self.learn_reason(status, reason.as_deref(), now);
            events.extend(self.enter(Move::between(self.status, self.inference, status), reason, None, now));
            if status == self.status && self.status.is_terminal() {
                // The provider confirms what we had inferred.
                self.inference = None;
            }
            if observation.escalate {
                self.want_escalation(now);
            }
        }
        let fits = |news: &&CertificateNews| news.reference.len() <= bounded::MAX_REFERENCE;
        if let Some(news) = observation.certificate.as_ref().filter(fits) {
            self.certificate_told(news, now);
        }
        events.extend(self.settled_since(before, now));
        events
    }

    /// Records that the provider cannot be asked: everything comes by callback.
    pub fn asked(&mut self, now: Timestamp) {
        self.asked_at = Some(now);
    }

    /// Whether a held verdict has still to take effect.
    #[must_use]
    pub fn awaits_held_verdict(&self) -> bool {
        self.held_verdict.as_ref().is_some_and(|held| held.status != self.status)
    }

    /// The findings of an answer, with our own checks after the provider's.
    ///
    /// Our checks depend on the request, the extracted data and the day. They are made on the day the data is first seen and stay
    /// until the data changes: a document that was valid when it was shown does not fail because somebody asks again after it
    /// expired. Data that arrives after a process ended was read before its end, unless that end was only inferred.
    fn findings_of(&self, observation: &Observation) -> Findings {
        let mut findings = observation.findings.clone().bounded();
        if self.observed_at.is_some() && self.findings.extracted == findings.extracted {
            let ours = self.findings.checks.iter().filter(|check| check.source == Source::Computed);
            findings.checks.extend(ours.cloned());
        } else {
            let ended = self.ended_at.filter(|_| self.inference.is_none());
            let read_at = ended.map_or(observation.observed_at, |ended| ended.min(observation.observed_at));
            let day = read_at.to_zoned(TimeZone::UTC).date();
            findings.checks.extend(computed::checks(&self.request, &findings.extracted, day));
        }
        findings
    }

    /// The status and reason of an answer, combined with the held verdict. Once the verdict is usable, it replaces "in review". Where
    /// the answer agrees and gives no reason, the verdict's reason counts. Another terminal status counts, but it may be from before
    /// the verdict: only an answer from after the verdict became usable drops it.
    fn verdict_of(&mut self, observation: &Observation, now: Timestamp) -> (Status, Option<String>) {
        let (status, reason) = (observation.status, observation.reason.clone());
        let Some(held) = self.held_verdict.take() else { return (status, reason) };
        let is_usable = held.usable_at <= now;
        if status == held.status {
            return (status, reason.or(held.reason).or(Some(held.code)));
        }
        if status == Status::InReview && is_usable {
            return (held.status, held.reason.or(Some(held.code)));
        }
        if !(status.is_terminal() && is_usable) {
            self.held_verdict = Some(held);
        }
        (status, reason)
    }

    /// Adds the reason of a terminal status, which may come later than the status.
    fn learn_reason(&mut self, status: Status, reason: Option<&str>, now: Timestamp) {
        if status == self.status && status.is_terminal() && self.status_reason.is_none() && reason.is_some() {
            self.status_reason = reason.map(bounded::code);
            self.touch(now, "reason_learnt", self.status_reason.clone());
        }
    }
}

//! Repeated failures: the timeline has the first failure of a series and each change of its kind, but no repetitions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ObservedMedia, Process, bounded};

/// The most timeline entries of one series, so that alternating failures do not fill the timeline.
const MAX_TOLD: u8 = 8;

/// A series of failed tries, until one succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleSeries {
    /// The kind of the last failure.
    kind: Option<String>,
    /// The number of its timeline entries.
    told: u8,
}

impl TroubleSeries {
    /// Whether a failure of `kind` gets a timeline entry.
    #[must_use]
    pub fn is_news(&self, kind: &str) -> bool {
        self.kind != Some(bounded::code(kind)) && self.told < MAX_TOLD
    }

    /// Records a failure of `kind`; returns whether it gets a timeline entry.
    pub(super) fn note(&mut self, kind: &str) -> bool {
        let is_news = self.is_news(kind);
        self.kind = Some(bounded::code(kind));
        self.told += u8::from(is_news);
        is_news
    }

    /// Ends the series.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// The kind of the last failure, while the series lasts.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.kind.is_none()
    }
}

impl Process {
    /// Records that the provider could not be asked, or that its answer could not be read.
    pub fn unanswered(&mut self, trouble: &str, now: Timestamp) {
        self.failures += 1;
        self.asked_at = Some(now);
        // A long outage is one entry, not hundreds.
        if self.trouble.note(trouble) {
            self.touch(now, "provider_trouble", Some(trouble.to_owned()));
        }
    }

    /// Records a callback that could not be read; `said` is its body, where it is stored. The same one again changes
    /// nothing.
    pub fn callback_unreadable(&mut self, why: &str, said: Option<&ObservedMedia>, received_at: Timestamp) {
        let is_known = |said: &ObservedMedia| self.evidence.iter().any(|piece| piece.source == said.source);
        if said.is_some_and(is_known) {
            return;
        }
        self.touch(received_at, "callback_unreadable", Some(why.to_owned()));
        if let Some(said) = said {
            self.keep_said(said, received_at);
        }
    }

    /// Records that the provider answers again.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.trouble.end();
    }
}

/// A failure as the timeline shows it: its kind and the provider's own code, if there is one.
#[must_use]
pub fn told(kind: &str, provider_code: Option<&str>) -> String {
    provider_code.map_or_else(|| kind.to_owned(), |code| format!("{kind}: {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_tells_each_change_of_kind_and_no_repetition() {
        let mut series = TroubleSeries::default();
        let told = ["a", "a", "b", "b", "a"].map(|kind| series.note(kind));
        assert_eq!(told, [true, false, true, false, true]);
        series.end();
        assert!(series.is_over() && series.note("a"));
    }

    #[test]
    fn alternating_failures_get_only_a_few_entries() {
        let mut series = TroubleSeries::default();
        let told = (0..100).filter(|n| series.note(if n % 2 == 0 { "a" } else { "b" })).count();
        assert_eq!(told, usize::from(MAX_TOLD));
    }
}

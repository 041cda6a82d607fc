//! What goes wrong again and again is told by its kinds: the first failure of a series and each change of kind are in the
//! timeline, a repetition is not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ObservedMedia, Process, bounded};

/// The most that is told of one series, so that trouble that goes to and fro cannot push everything else out of the timeline.
const MAX_TOLD: u8 = 8;

/// A series of failed tries at one thing, until one succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TroubleSeries {
    /// The kind of the last failure.
    kind: Option<String>,
    /// How often the series was told of.
    told: u8,
}

impl TroubleSeries {
    /// Whether a failure of `kind` is news in this series.
    #[must_use]
    pub fn is_news(&self, kind: &str) -> bool {
        self.kind != Some(bounded::code(kind)) && self.told < MAX_TOLD
    }

    /// Takes note of a failure of `kind`, and says whether it is news.
    pub(super) fn note(&mut self, kind: &str) -> bool {
        let is_news = self.is_news(kind);
        self.kind = Some(bounded::code(kind));
        self.told += u8::from(is_news);
        is_news
    }

    /// Nothing is wrong any more.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// The kind of the last failure, while something is wrong.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.kind.is_none()
    }
}

impl Process {
    /// The provider could not be asked, or its answer made no sense.
    pub fn unanswered(&mut self, trouble: &str, now: Timestamp) {
        self.failures += 1;
        self.looked_at = Some(now);
        // A long outage is one entry, not hundreds.
        if self.trouble.note(trouble) {
            self.touch(now, "provider_trouble", Some(trouble.to_owned()));
        }
    }

    /// A callback came that nobody could read; `said` is its body, where that is kept. The same one again is no news.
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

    /// The provider answers again.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.trouble.end();
    }
}

/// How the timeline names trouble: its kind and, where the provider gave one, the provider's own code.
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
    fn a_series_that_goes_to_and_fro_is_told_of_a_few_times_only() {
        let mut series = TroubleSeries::default();
        let told = (0..100).filter(|n| series.note(if n % 2 == 0 { "a" } else { "b" })).count();
        assert_eq!(told, usize::from(MAX_TOLD));
    }
}

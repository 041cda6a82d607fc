//! The timeline: what happened to a process, in order, bounded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bounded;
use crate::common::Actor;

/// The most entries. More are folded into one summary entry after the first [`KEPT_FIRST`].
pub const MAX_ENTRIES: usize = 60;
/// The first entries, which are never folded.
pub const KEPT_FIRST: usize = 20;
const SUMMARY: &str = "entries_summarised";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// The position in the timeline, from 1.
    pub id: u32,
    pub at: Timestamp,
    /// A stable code.
    pub event: String,
    /// Statuses, codes and counts; never personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Set where an actor did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

/// The entries in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(Vec<TimelineEntry>);

impl Timeline {
    /// Adds an entry. At the bound, the oldest entry after the first [`KEPT_FIRST`] is folded into the summary.
    pub fn push(&mut self, at: Timestamp, event: &str, detail: Option<String>, by: Option<Actor>) {
        let id = self.0.last().map_or(1, |last| last.id + 1);
        let detail = detail.as_deref().map(bounded::code);
        self.0.push(TimelineEntry { id, at, event: event.to_owned(), detail, by });
        if self.0.len() > MAX_ENTRIES {
            let folded = if self.0[KEPT_FIRST].event == SUMMARY {
                let count = self.0[KEPT_FIRST].detail.as_deref().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
                self.0.remove(KEPT_FIRST + 1);
                count + 1
            } else {
                self.0.drain(KEPT_FIRST + 1..KEPT_FIRST + 2);
                2
            };
            let summary = &mut self.0[KEPT_FIRST];
            SUMMARY.clone_into(&mut summary.event);
            summary.detail = Some(folded.to_string());
            summary.by = None;
        }
    }

    /// The entries in order.
    #[must_use]
    pub fn entries(&self) -> &[TimelineEntry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_timeline_folds_its_middle_into_a_count() {
        let mut timeline = Timeline::default();
        for n in 1..=200 {
            timeline.push(Timestamp::UNIX_EPOCH, &format!("event_{n}"), None, None);
        }
        let entries = timeline.entries();
        assert_eq!(entries.len(), MAX_ENTRIES);
        assert_eq!(entries[0].event, "event_1");
        assert_eq!(entries[MAX_ENTRIES - 1].event, "event_200");
        assert_eq!(entries[KEPT_FIRST].event, SUMMARY);
        assert_eq!(entries[KEPT_FIRST].detail.as_deref(), Some("141"));
        assert_eq!(entries[KEPT_FIRST + 1].event, "event_162");
    }
}

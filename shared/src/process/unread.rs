//! Which parts of a provider's answers could not be read: the kinds of places, never their values.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Process, bounded};

/// Kinds of places of one process.
pub const MAX_KINDS: usize = 30;
/// Bytes of one; it consists of names in our own code.
pub const MAX_PLACE: usize = 98;
/// The length of the suffix that says how many more places there are.
const REST: usize = " and 99 more".len();
/// The kind for evidence beyond the limit of a process.
const LIMIT: &str = "/evidence_limit";

/// The places, such as `/attempts/*/similarity`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unread {
    /// Those of the newest answer. While there are any, the evidence may be incomplete.
    pub present: BTreeSet<String>,
    /// All that are in the timeline.
    pub noted: BTreeSet<String>,
}

impl Unread {
    /// Whether everything could always be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.present.is_empty() && self.noted.is_empty()
    }
}

impl Process {
    /// Records what could not be read of an answer that counts. Each kind of place gets one timeline entry.
    pub(super) fn note_unread(&mut self, places: &[String], now: Timestamp) {
        let places = places.iter().filter(|place| place.len() <= MAX_PLACE).take(MAX_KINDS);
        let present: BTreeSet<_> = places.cloned().collect();
        // The limit is recorded again when the evidence is recorded.
        if !self.unread.present.iter().filter(|place| *place != LIMIT).eq(&present) {
            self.updated_at = self.updated_at.max(now);
        }
        let known = &mut self.unread.noted;
        let room = MAX_KINDS.saturating_sub(known.len());
        let news: Vec<_> = present.difference(known).take(room).cloned().collect();
        known.extend(news.iter().cloned());
        self.unread.present = present;
        if !news.is_empty() {
            self.touch(now, "answer_unread", Some(named(&news)));
        }
    }

    /// Records that there is more evidence than a process keeps.
    pub(super) fn note_limit(&mut self, now: Timestamp) {
        if self.unread.present.insert(LIMIT.to_owned()) && self.unread.noted.insert(LIMIT.to_owned()) {
            self.touch(now, "evidence_limit_reached", None);
        }
    }
}

/// As many places as fit into a timeline entry, and the number of the others.
fn named(places: &[String]) -> String {
    let mut named = String::new();
    for (place, before) in places.iter().zip(0..) {
        let separator = if before == 0 { "" } else { ", " };
        let is_last = before + 1 == places.len();
        let room = bounded::MAX_CODE - if is_last { 0 } else { REST };
        if before > 0 && named.len() + separator.len() + place.len() > room {
            named.push_str(&format!(" and {} more", places.len() - before));
            break;
        }
        named.push_str(separator);
        named.push_str(place);
    }
    named
}

//! Copying evidence: which pieces of a process are copied when, and what the timeline says about copies that fail.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Copy, CopyOutcome, Event, Evidence, EvidenceKind, EvidenceState, ObservedMedia, Process, StoredCopy,
    bounded::MAX_SOURCE,
    evidence::{SAID, SUBMITTED},
};

/// Pieces of evidence of one process.
pub const MAX_PIECES: usize = 100;
/// Refusals and unreadable answers among them.
pub const MAX_SAID: usize = 10;

impl Process {
    #[must_use]
    pub fn evidence_state(&self) -> EvidenceState {
        match EvidenceState::of(&self.evidence) {
            EvidenceState::Complete if !self.unread.present.is_empty() => EvidenceState::Incomplete,
            state => state,
        }
    }

    /// The indexes of the pieces to copy at `now`: new ones that will have an entry, and those whose next try is due. Each piece
    /// once.
    #[must_use]
    pub fn wanted_copies(&self, shown: &[ObservedMedia], now: Timestamp) -> Vec<usize> {
        let known: HashMap<&str, &Evidence> =
            self.evidence.iter().map(|piece| (piece.source.as_str(), piece)).collect();
        let (mut seen, mut wanted) = (HashSet::new(), Vec::new());
        let mut room = MAX_PIECES.saturating_sub(self.evidence.len());
        for (at, media) in shown.iter().enumerate() {
            if !seen.insert(media.source.as_str()) {
                continue;
            }
            let is_wanted = match known.get(media.source.as_str()) {
                Some(piece) => piece.is_due(now),
                None if room == 0 || media.source.len() > MAX_SOURCE => false,
                None => {
                    room -= 1;
                    true
                }
            };
            if is_wanted && media.outcome == CopyOutcome::NotTried {
                wanted.push(at);
            }
        }
        wanted
    }

    /// When the next try to copy a picture is due. Videos are copied by work items of their own.
    #[must_use]
    pub fn next_copy_at(&self) -> Option<Timestamp> {
        let pending = |piece: &Evidence| match piece.copy {
            Copy::Pending { next_try_at, .. } => Some(next_try_at),
            Copy::Stored(_) | Copy::Incomplete { .. } | Copy::Redacted { .. } => None,
        };
        self.evidence.iter().filter(|piece| piece.kind != EvidenceKind::Video).filter_map(pending).min()
    }

    /// Adds the pictures that the customer submitted, which are stored already.
    pub fn take_submitted(&mut self, pictures: &[ObservedMedia], now: Timestamp) {
        for picture in pictures {
            self.note_media(picture, now);
        }
    }

    /// Adds a refusal or an unreadable answer. Beyond [`MAX_SAID`] of them only the timeline mentions more.
    pub fn keep_said(&mut self, said: &ObservedMedia, now: Timestamp) {
        let is_said = |piece: &&Evidence| piece.source.starts_with(SAID);
        let is_known = self.evidence.iter().any(|piece| piece.source == said.source);
        if is_known || self.evidence.iter().filter(is_said).count() < MAX_SAID {
            self.note_media(said, now);
        }
    }

    pub fn submitted_pictures(&self) -> impl Iterator<Item = (EvidenceKind, &StoredCopy)> {
        self.evidence.iter().filter(|piece| piece.source.starts_with(SUBMITTED)).filter_map(|piece| match &piece.copy {
            Copy::Stored(copy) => Some((piece.kind, copy)),
            _ => None,
        })
    }

    /// Records one try to copy the piece `id`, made by a work item of its own.
    pub fn copied(&mut self, id: Uuid, outcome: &CopyOutcome, now: Timestamp) -> Vec<Event> {
        let (before, given_up) = (self.stage(), self.given_up());
        if let Some(piece) = self.evidence.iter_mut().find(|piece| piece.id == id) {
            piece.record(outcome, now);
            self.updated_at = self.updated_at.max(now);
        }
        self.tell_copies(&given_up, now);
        self.settled_since(before, now).into_iter().collect()
    }

    /// The reasons for which pieces were given up so far.
    pub(super) fn given_up(&self) -> BTreeSet<String> {
        let reason = |piece: &Evidence| match &piece.copy {
            Copy::Incomplete { reason } => Some(reason.clone()),
            _ => None,
        };
        self.evidence.iter().filter_map(reason).collect()
    }

    /// Adds to the timeline what is new about failing copies: each new kind of failure, and each reason for giving up that is not in
    /// `given_up`.
    pub(super) fn tell_copies(&mut self, given_up: &BTreeSet<String>, now: Timestamp) {
        let reason = |piece: &Evidence| match &piece.copy {
            Copy::Pending { reason, .. } => reason.clone(),
            _ => None,
        };
        let failing: BTreeSet<String> = self.evidence.iter().filter_map(reason).collect();
        if failing.is_empty() {
            self.copy_trouble.end();
        } else {
            let kinds = failing.into_iter().collect::<Vec<_>>().join(", ");
            if self.copy_trouble.note(&kinds) {
                self.touch(now, "copy_trouble", Some(kinds));
            }
        }
        for reason in self.given_up().difference(given_up) {
            self.touch(now, "copy_given_up", Some(reason.clone()));
        }
    }

    /// Counts a failed try for each piece that is due and that the answer does not show.
    pub(super) fn miss_media(&mut self, shown: &[ObservedMedia], now: Timestamp) {
        let missed =
            |piece: &&mut Evidence| piece.is_due(now) && shown.iter().all(|media| media.source != piece.source);
        for piece in self.evidence.iter_mut().filter(missed) {
            piece.record(&CopyOutcome::Failed { reason: "not_shown".to_owned() }, now);
            self.updated_at = now;
        }
    }

    pub(super) fn note_media(&mut self, media: &ObservedMedia, now: Timestamp) {
        let known = self.evidence.iter().position(|piece| piece.source == media.source);
        let position = match known {
            Some(position) => position,
            None if self.evidence.len() < MAX_PIECES && media.source.len() <= MAX_SOURCE => {
                self.evidence.push(Evidence::first_seen(self.id, media, now));
                self.evidence.len() - 1
            }
            None => return self.note_limit(now),
        };
        let piece = &mut self.evidence[position];
        let before = piece.clone();
        piece.record(&media.outcome, now);
        if *piece != before {
            self.updated_at = now;
        }
    }
}

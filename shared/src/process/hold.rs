//! Legal hold: until when a process must not be redacted, and that its objects are locked in the bucket meanwhile.
//!
//! The date is this system's own word. The lock is the bucket's: a version that has one is deleted by nobody, whatever they may do
//! otherwise. Putting it on every object, and taking it off again, is work of its own, done by whoever looks at the process next; until
//! it is done the process says that it is not held. What is stored later is locked likewise, so it is kept which objects were locked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CertificateState, Copy, Process};
use crate::common::Actor;

/// What is known of the locks on a process's objects. There may be some wherever this is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLocks {
    /// A hash of the names of the objects that the process had when all in the bucket were locked; `None` before.
    complete: Option<String>,
}

/// What is to be done about the objects of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStep {
    /// Lock all of them.
    Lock,
    /// Take the locks off.
    Unlock,
}

impl Process {
    /// Sets until when it must not be redacted; `None` is no hold.
    pub fn hold(&mut self, until: Option<Timestamp>, by: &Actor, now: Timestamp) {
        if self.legal_hold_until != until {
            self.legal_hold_until = until;
            if until.is_some() {
                // Stored before anything is locked, so that no lock is forgotten.
                self.locking();
            }
            let entry = if until.is_some() { "legal_hold_set" } else { "legal_hold_lifted" };
            self.done_by(by, entry, now);
        }
    }

    /// Until when it must not be redacted, if that is not over.
    pub(super) fn on_hold(&self, now: Timestamp) -> Option<Timestamp> {
        self.legal_hold_until.filter(|until| *until > now && self.redaction.is_none())
    }

    /// What is to be done about its objects now. Those of a redacted process are deleted, and their locks with them.
    #[must_use]
    pub fn lock_step(&self, now: Timestamp) -> Option<LockStep> {
        if self.redaction.is_some() {
            None
        } else if self.on_hold(now).is_some() {
            (self.held() != Some(true)).then_some(LockStep::Lock)
        } else {
            self.locks.is_some().then_some(LockStep::Unlock)
        }
    }

    /// When something is to be done about its objects for its hold: now, or when that ends.
    #[must_use]
    pub fn next_lock_step_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.lock_step(now).is_some() { Some(now) } else { self.on_hold(now) }
    }

    /// Some of its objects may be locked from now on.
    pub fn locking(&mut self) {
        self.locks.get_or_insert_default();
    }

    /// Every object that it has is locked.
    pub fn locked(&mut self, now: Timestamp) {
        let before = self.locks.replace(ObjectLocks { complete: Some(self.objects()) });
        if before.is_none_or(|before| before.complete.is_none()) {
            self.touch(now, "objects_locked", None);
        }
    }

    /// None of its objects is locked.
    pub fn unlocked(&mut self, now: Timestamp) {
        if self.locks.take().is_some() {
            self.touch(now, "objects_unlocked", None);
        }
    }

    /// Whether every object that it has is locked in the bucket; `None` where that was never wanted, or is over.
    #[must_use]
    pub fn held(&self) -> Option<bool> {
        let complete = self.locks.as_ref().and_then(|locks| locks.complete.as_ref());
        let wanted = self.locks.is_some() || self.legal_hold_until.is_some();
        wanted.then(|| complete.is_some_and(|complete| *complete == self.objects()))
    }

    /// A hash of the names of all objects that it has.
    fn objects(&self) -> String {
        let pieces = self.evidence.iter().filter_map(|piece| match &piece.copy {
            Copy::Stored(copy) => Some(&copy.key),
            _ => None,
        });
        let certificate = self.certificate.iter().filter_map(|certificate| match &certificate.state {
            CertificateState::Stored(copy) => Some(&copy.key),
            _ => None,
        });
        let mut hash = Sha256::new();
        for key in pieces.chain(certificate) {
            hash.update(key);
            hash.update([0]);
        }
        hex::encode(&hash.finalize()[..16])
    }
}

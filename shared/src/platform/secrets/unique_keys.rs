//! The keys of unique values, and how one is replaced by another without two records ever sharing a value.
//!
//! A value that one record alone may have is guarded by an item whose key carries the value's hash under one of these keys.
//! The first key is the one that guards are written under; every writer also looks that no other record has a guard under any
//! of the others, in the same transaction. So two functions that know the same keys exclude each other, whatever the order in
//! which they know them. A function remembers the keys for some minutes; three steps see to it that no two functions are more
//! than one step apart:
//!
//! | step | list | guards | refused |
//! | --- | --- | --- | --- |
//! | add | `old, new` | written under `old`; nobody writes `new`, all look at it | where two keys are there |
//! | promote | `new, old` | written under `new`, and those of existing records are moved there | before every function knows `new` |
//! | remove | `new` | written under `new` | while a guard under `old` may be there |
//!
//! This file has the rules; [`crate::workflow::unique_keys`] moves the guards.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::document::KeyBytes;

/// How long after a change every function knows it. None uses keys that it read longer ago than [`GOOD_FOR`]; the rest is for
/// requests that are under way and clocks that differ.
pub const KNOWN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// How long ago the keys may have been read that decide whose a value is.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(9);

/// A key of unique values. Its moments are those of its own rotation; the first key of a deployment has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniqueKey {
    /// Letters and digits.
    pub id: String,
    /// The key (base64, 32 bytes).
    pub key: KeyBytes,
    /// When it was added.
    pub added_at: Option<Timestamp>,
    /// When it was last put first.
    pub first_since: Option<Timestamp>,
}

/// The keys of unique values: the first is written, all are looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct UniqueKeys(Vec<UniqueKey>);

/// From which key to which guards are moved, and since when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Rotation {
    /// The id of the key that is to go.
    pub from: String,
    /// The id of the key that takes its place.
    pub to: String,
    /// When that was put first.
    pub since: Timestamp,
}

/// Why a step is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// Another rotation is under way.
    #[error("there are two unique keys already, {0} and {1}: remove one before you add another")]
    TwoKeys(String, String),
    /// There is only one key.
    #[error("there is one unique key only, {0}: add another first")]
    OneKey(String),
    /// The secret was edited by hand into something that no step makes.
    #[error("there are {0} unique keys; these steps know one or two: edit the secret back first")]
    ManyKeys(usize),
    /// Some function may not know the key yet.
    #[error("key {id} was added at {at}: wait until {until}, when every function knows it")]
    NotKnownYet {
        /// The key.
        id: String,
        /// When it was added.
        at: Timestamp,
        /// When that is long enough ago.
        until: Timestamp,
    },
    /// Some function may still write under the other key.
    #[error("key {id} was put first at {at}: wait until {until}, when no function writes under {other} any more")]
    NotFirstYet {
        /// The key that was put first.
        id: String,
        /// The key that was first before.
        other: String,
        /// When it was put first.
        at: Timestamp,
        /// When that is long enough ago.
        until: Timestamp,
    },
    /// The new key does not take the old one's place yet.
    #[error("key {0} is first, and the one after it was never used: promote it first")]
    NotPromoted(String),
}

impl UniqueKeys {
    /// The keys, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &UniqueKey> {
        self.0.iter()
    }

    /// The first key, and the other where there are two.
    fn both(&self) -> Result<(&UniqueKey, Option<&UniqueKey>), StepRefused> {
        match self.0.as_slice() {
            [only] => Ok((only, None)),
            [first, second] => Ok((first, Some(second))),
            keys => Err(StepRefused::ManyKeys(keys.len())),
        }
    }

    fn pair(&self) -> Result<(&UniqueKey, &UniqueKey), StepRefused> {
        let (first, second) = self.both()?;
        Ok((first, second.ok_or_else(|| StepRefused::OneKey(first.id.clone()))?))
    }

    /// Step 1: with a new key, of these bytes, behind the one there is.
    ///
    /// # Errors
    /// There are two keys already.
    pub fn with_added(&self, id: String, bytes: &[u8], now: Timestamp) -> Result<Self, StepRefused> {
        let (only, second) = self.both()?;
        if let Some(second) = second {
            return Err(StepRefused::TwoKeys(only.id.clone(), second.id.clone()));
        }
        let added = UniqueKey { id, key: KeyBytes::of(bytes), added_at: Some(now), first_since: None };
        Ok(Self(vec![only.clone(), added]))
    }

    /// Step 2: with the second key put first. Doing it again takes it back.
    ///
    /// # Errors
    /// There is one key only, or some function may not know the second one yet.
    pub fn with_promoted(&self, now: Timestamp) -> Result<Self, StepRefused> {
        let (first, second) = self.pair()?;
        if let Some(at) = second.added_at
            && now < at + KNOWN_AFTER
        {
            return Err(StepRefused::NotKnownYet { id: second.id.clone(), at, until: at + KNOWN_AFTER });
        }
        Ok(Self(vec![UniqueKey { first_since: Some(now), ..second.clone() }, first.clone()]))
    }

    /// Step 3: with the first key alone. Whether any guard is left under the other is for the caller to see.
    ///
    /// # Errors
    /// There is one key only.
    pub fn with_removed(&self) -> Result<Self, StepRefused> {
        let (first, _) = self.pair()?;
        Ok(Self(vec![first.clone()]))
    }

    /// Whether the second key was never first: then nothing was ever written under it.
    ///
    /// # Errors
    /// There is one key only.
    pub fn is_second_unused(&self) -> Result<bool, StepRefused> {
        let (_, second) = self.pair()?;
        Ok(second.added_at.is_some() && second.first_since.is_none())
    }

    /// From which key to which guards are to be moved.
    ///
    /// # Errors
    /// There is one key only, the second was never first, or some function may still write under it.
    pub fn rotation(&self, now: Timestamp) -> Result<Rotation, StepRefused> {
        let (first, second) = self.pair()?;
        let Some(since) = first.first_since.filter(|_| second.added_at.is_none() || second.first_since.is_some())
        else {
            return Err(StepRefused::NotPromoted(first.id.clone()));
        };
        if now < since + KNOWN_AFTER {
            let (id, other) = (first.id.clone(), second.id.clone());
            return Err(StepRefused::NotFirstYet { id, other, at: since, until: since + KNOWN_AFTER });
        }
        Ok(Rotation { from: second.id.clone(), to: first.id.clone(), since })
    }

    /// The list as the secret has it.
    pub(super) fn to_json(&self) -> Value {
        let key = |key: &UniqueKey| {
            let mut value = json!({"id": key.id, "key": key.key.expose()});
            for (name, at) in [("added_at", key.added_at), ("first_since", key.first_since)] {
                if let Some(at) = at {
                    value[name] = json!(at);
                }
            }
            value
        };
        self.0.iter().map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn ids(keys: &UniqueKeys) -> Vec<&str> {
        keys.iter().map(|key| key.id.as_str()).collect()
    }

    fn first() -> UniqueKeys {
        serde_json::from_value(json!([{"id": "old", "key": "a2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMsIG9yIG5vdD8="}])).unwrap()
    }

    #[test]
    fn a_key_is_added_promoted_and_left_alone() {
        let added = first().with_added("new".to_owned(), &[7; 32], at(0)).unwrap();
        assert_eq!((ids(&added), added.is_second_unused().unwrap()), (vec!["old", "new"], true));
        assert!(
            matches!(added.with_promoted(at(9)).unwrap_err(), StepRefused::NotKnownYet { until, .. } if until == at(10))
        );
        assert!(matches!(added.rotation(at(100)).unwrap_err(), StepRefused::NotPromoted(_)));
        let promoted = added.with_promoted(at(10)).unwrap();
        assert_eq!((ids(&promoted), promoted.is_second_unused().unwrap()), (vec!["new", "old"], false));
        assert!(
            matches!(promoted.rotation(at(19)).unwrap_err(), StepRefused::NotFirstYet { until, .. } if until == at(20))
        );
        let rotation = promoted.rotation(at(20)).unwrap();
        assert_eq!((rotation.from.as_str(), rotation.to.as_str(), rotation.since), ("old", "new", at(10)));
        assert_eq!(ids(&promoted.with_removed().unwrap()), ["new"]);
    }

    #[test]
    fn a_promotion_is_taken_back_at_once_and_the_other_key_counts_as_used() {
        let added = first().with_added("new".to_owned(), &[7; 32], at(0)).unwrap();
        let back = added.with_promoted(at(10)).unwrap().with_promoted(at(11)).unwrap();
        assert_eq!((ids(&back), back.is_second_unused().unwrap()), (vec!["old", "new"], false));
        let rotation = back.rotation(at(21)).unwrap();
        assert_eq!((rotation.from.as_str(), rotation.since), ("new", at(11)), "guards under it are moved back");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let keys = first().with_added("new".to_owned(), &[7; 32], at(0)).unwrap().with_promoted(at(10)).unwrap();
        let read: UniqueKeys = serde_json::from_value(keys.to_json()).unwrap();
        assert_eq!(read.to_json(), keys.to_json());
        assert_eq!(read.iter().next().unwrap().key.bytes().unwrap(), [7; 32]);
    }
}

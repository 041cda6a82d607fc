//! The keys of unique values, and how one is replaced without two records ever sharing a value.
//!
//! A unique value is guarded by an item whose key contains the value's hash under one of these keys. Guards are
//! written under the first key. In the same transaction, every writer checks that no other record has a guard under
//! any other key. So functions that know the same keys exclude each other, whatever their order. Functions cache the
//! keys for some minutes; three steps ensure that no two functions are more than one step apart:
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

use super::KeyBytes;

/// How long after a change every function knows it. No function uses keys that it read longer ago than [`GOOD_FOR`];
/// the rest is a margin for requests under way and clock differences.
pub const KNOWN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The greatest age of keys that decide who has a value.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(9);

/// A key of unique values, with the times of its rotation; the first key of a deployment has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniqueKey {
    pub id: String,
    /// The key (base64, 32 bytes).
    pub key: KeyBytes,
    pub added_at: Option<Timestamp>,
    /// When it was last put first.
    pub first_since: Option<Timestamp>,
}

/// The keys of unique values: guards are written under the first and checked under all.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct UniqueKeys(Vec<UniqueKey>);

/// A rotation of the guards from one key to another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Rotation {
    /// The id of the old key.
    pub from: String,
    /// The id of the new key.
    pub to: String,
    /// When the new key was promoted.
    pub since: Timestamp,
}

/// Why a step is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    #[error("there are two unique keys already, {0} and {1}: remove one before you add another")]
    TwoKeys(String, String),
    #[error("there is only one unique key, {0}: add another first")]
    OneKey(String),
    /// Somebody edited the secret by hand.
    #[error("there are {0} unique keys, but there may be one or two: restore the secret first")]
    ManyKeys(usize),
    /// Some function may not know the key yet.
    #[error("key {id} was added at {at}: wait until {until}, when every function knows it")]
    NotKnownYet { id: String, at: Timestamp, until: Timestamp },
    /// Some function may still write under the other key.
    #[error("key {id} was put first at {at}: wait until {until}, when no function writes under {other} any more")]
    NotFirstYet {
        /// The key that was put first.
        id: String,
        /// The key that was first before.
        other: String,
        at: Timestamp,
        until: Timestamp,
    },
    /// The new key was not promoted yet.
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

    /// Step 1: adds a new key after the present one.
    ///
    /// # Errors
    /// There are already two keys.
    pub fn with_added(&self, id: String, bytes: &[u8], now: Timestamp) -> Result<Self, StepRefused> {
        let (only, second) = self.both()?;
        if let Some(second) = second {
            return Err(StepRefused::TwoKeys(only.id.clone(), second.id.clone()));
        }
        let added = UniqueKey { id, key: KeyBytes::of(bytes), added_at: Some(now), first_since: None };
        Ok(Self(vec![only.clone(), added]))
    }

    /// Step 2: promotes the second key. Doing it again reverts it.
    ///
    /// # Errors
    /// There is only one key, or some function may not know the second one yet.
    pub fn with_promoted(&self, now: Timestamp) -> Result<Self, StepRefused> {
        let (first, second) = self.pair()?;
        if let Some(at) = second.added_at
            && now < at + KNOWN_AFTER
        {
            return Err(StepRefused::NotKnownYet { id: second.id.clone(), at, until: at + KNOWN_AFTER });
        }
        Ok(Self(vec![UniqueKey { first_since: Some(now), ..second.clone() }, first.clone()]))
    }

    /// Step 3: removes the second key. The caller must check that no guard is left under it.
    ///
    /// # Errors
    /// There is only one key.
    pub fn with_removed(&self) -> Result<Self, StepRefused> {
        let (first, _) = self.pair()?;
        Ok(Self(vec![first.clone()]))
    }

    /// Whether the second key was never first, so that nothing was ever written under it.
    ///
    /// # Errors
    /// There is only one key.
    pub fn is_second_unused(&self) -> Result<bool, StepRefused> {
        let (_, second) = self.pair()?;
        Ok(second.added_at.is_some() && second.first_since.is_none())
    }

    /// The rotation whose guards are to be moved.
    ///
    /// # Errors
    /// There is only one key, the second was never first, or some function may still write under it.
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
            let moments = [("added_at", key.added_at), ("first_since", key.first_since)];
            for (name, at) in moments.into_iter().filter_map(|(name, at)| Some((name, at?))) {
                value[name] = json!(at);
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
    fn a_promotion_can_be_reverted_at_once() {
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

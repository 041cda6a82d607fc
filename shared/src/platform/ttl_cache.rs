//! A cache for remote values that seldom change: read on first use, and again after some minutes.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// The default age at which a value is read again.
pub const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long to wait after a failed read, and how long a value counts as missing.
pub const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The most values; beyond it the cache is cleared.
const CAPACITY: usize = 1_000;

/// Values by name, each at most [`FRESH_FOR`] old, or as [`TtlCache::fresh_for`] says. While the source is
/// unreachable, the last value is used. A missing value is read again after [`RETRY_AFTER`].
pub struct TtlCache<T> {
    fresh_for: SignedDuration,
    places: Mutex<HashMap<String, Arc<Place<T>>>>,
}

/// The slot of one value. Whoever reads it again holds the slot, so that others wait instead of reading too.
struct Place<T>(tokio::sync::Mutex<Option<Held<T>>>);

struct Held<T> {
    value: Option<Arc<T>>,
    read_at: Timestamp,
    until: Timestamp,
}

impl<T> Held<T> {
    fn dated(&self) -> Option<(Arc<T>, Timestamp)> {
        self.value.clone().map(|value| (value, self.read_at))
    }
}

impl<T> Default for TtlCache<T> {
    fn default() -> Self {
        Self::fresh_for(FRESH_FOR)
    }
}

impl<T> TtlCache<T> {
    /// An empty cache whose values are read again when they are older than `time`.
    #[must_use]
    pub fn fresh_for(time: SignedDuration) -> Self {
        Self { fresh_for: time, places: Mutex::default() }
    }

    /// The value called `name` at `now`, read with `read` if necessary.
    ///
    /// # Errors
    /// It is not cached and cannot be read now.
    pub async fn get<E: std::fmt::Display>(
        &self,
        name: &str,
        now: Timestamp,
        read: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<Arc<T>>, E> {
        Ok(self.get_dated(name, now, read).await?.map(|(value, _)| value))
    }

    /// Like [`Self::get`], with the time at which it was read.
    ///
    /// # Errors
    /// Likewise.
    pub async fn get_dated<E: std::fmt::Display>(
        &self,
        name: &str,
        now: Timestamp,
        read: impl Future<Output = Result<Option<T>, E>>,
    ) -> Result<Option<(Arc<T>, Timestamp)>, E> {
        let place = self.place(name);
        let mut held = place.0.lock().await;
        if let Some(held) = held.as_ref().filter(|held| now < held.until) {
            return Ok(held.dated());
        }
        match (read.await, held.as_mut()) {
            (Ok(value), _) => {
                let until = now + if value.is_some() { self.fresh_for } else { RETRY_AFTER };
                Ok(held.insert(Held { value: value.map(Arc::new), read_at: now, until }).dated())
            }
            (Err(error), Some(last)) => {
                tracing::warn!(%error, "could not be read again; what was read last goes on serving");
                // The next requests do not wait for a read again.
                last.until = now + RETRY_AFTER;
                Ok(last.dated())
            }
            (Err(error), None) => Err(error),
        }
    }

    fn place(&self, name: &str) -> Arc<Place<T>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= CAPACITY && !places.contains_key(name) {
            places.clear();
        }
        let place = places.entry(name.to_owned()).or_insert_with(|| Arc::new(Place(tokio::sync::Mutex::new(None))));
        Arc::clone(place)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A source that counts how often it is read.
    struct Source {
        remembered: TtlCache<u32>,
        reads: AtomicU32,
    }

    impl Source {
        fn new() -> Self {
            Self { remembered: TtlCache::default(), reads: AtomicU32::new(0) }
        }

        async fn get(&self, second: i64, answer: Result<Option<u32>, &'static str>) -> Result<Option<u32>, &str> {
            let read = async {
                self.reads.fetch_add(1, Ordering::Relaxed);
                answer
            };
            let now = Timestamp::from_second(second).unwrap();
            self.remembered.get("x", now, read).await.map(|value| value.map(|value| *value))
        }

        fn reads(&self) -> u32 {
            self.reads.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_value_is_read_again_when_it_is_five_minutes_old() {
        let source = Source::new();
        assert_eq!(source.get(0, Ok(Some(1))).await, Ok(Some(1)));
        assert_eq!(source.get(299, Ok(Some(2))).await, Ok(Some(1)));
        assert_eq!(source.get(300, Ok(Some(2))).await, Ok(Some(2)));
        assert_eq!(source.reads(), 2);
    }

    #[tokio::test]
    async fn the_last_value_is_used_while_the_source_is_down() {
        let source = Source::new();
        assert_eq!(source.get(0, Err("down")).await, Err("down"));
        assert_eq!(source.get(1, Ok(Some(1))).await, Ok(Some(1)));
        assert_eq!(source.get(400, Err("down")).await, Ok(Some(1)));
        assert_eq!(source.get(429, Ok(Some(2))).await, Ok(Some(1)));
        assert_eq!(source.get(430, Ok(Some(2))).await, Ok(Some(2)));
        assert_eq!(source.reads(), 4);
    }

    #[tokio::test]
    async fn a_cached_value_says_when_it_was_read() {
        let remembered = TtlCache::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, answer, read_at) in
            [(0, Ok(Some(1)), 0), (299, Ok(Some(2)), 0), (400, Err("down"), 0), (430, Ok(Some(3)), 430)]
        {
            let (_, dated) = remembered.get_dated("x", at(second), async { answer }).await.unwrap().unwrap();
            assert_eq!(dated, at(read_at), "{second}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_asked_for_again_soon() {
        let source = Source::new();
        assert_eq!(source.get(0, Ok(None)).await, Ok(None));
        assert_eq!(source.get(29, Ok(Some(1))).await, Ok(None));
        assert_eq!(source.get(30, Ok(Some(1))).await, Ok(Some(1)));
        assert_eq!(source.get(400, Ok(None)).await, Ok(None), "what was taken away is gone");
    }
}

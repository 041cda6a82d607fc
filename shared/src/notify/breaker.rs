//! A circuit breaker for an endpoint: after some failures in a row nobody calls it for a while; then one delivery
//! tries whether it works again.
//!
//! A hanging call costs time that others need. Deliveries that are due meanwhile are postponed without a call, which
//! does not count as an attempt.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// How long nobody calls at first; it doubles with each failed trial …
const FIRST_REST: SignedDuration = SignedDuration::from_secs(30);
/// … up to this.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);
/// How long the others wait for a trial; longer than any call.
const TRIAL: SignedDuration = SignedDuration::from_secs(30);

/// The recent failures of an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures since the last success.
    failures: u32,
    /// Until when nobody calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resting_until: Option<Timestamp>,
}

/// What to do with a due delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Call.
    Open,
    /// The first to call [`Breaker::try_out`] calls the endpoint; all others wait.
    Trial,
    /// Do not call before this.
    Closed(Timestamp),
}

impl Breaker {
    /// What to do at `now`.
    #[must_use]
    pub fn way(&self, now: Timestamp) -> Way {
        match self.resting_until {
            Some(until) if until > now => Way::Closed(until),
            Some(_) => Way::Trial,
            None => Way::Open,
        }
    }

    /// Until when nobody calls.
    #[must_use]
    pub fn resting_until(&self) -> Option<Timestamp> {
        self.resting_until
    }

    /// Starts a trial. Returns until when the others wait for it.
    pub fn try_out(&mut self, now: Timestamp) -> Timestamp {
        *self.resting_until.insert(now + TRIAL)
    }

    /// Records a call that failed at `now`; returns whether anything changed. A call that was under way when others
    /// failed changes nothing, unless it is the trial.
    pub fn failed(&mut self, is_trial: bool, now: Timestamp) -> bool {
        if !is_trial && matches!(self.way(now), Way::Closed(_)) {
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(more) = self.failures.checked_sub(FAILURES) {
            self.resting_until = Some(now + LONGEST_REST.min(FIRST_REST * (1 << more.min(10))));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn five_failures_open_the_breaker_and_failed_trials_extend_it() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert!(breaker.failed(false, second(0)));
            assert_eq!(breaker.way(second(0)), Way::Open);
        }
        assert!(breaker.failed(false, second(0)));
        let (mut at, mut rests) = (0, Vec::new());
        for _ in 0..9 {
            let Way::Closed(until) = breaker.way(second(at)) else { panic!("open at {at}") };
            rests.push(until.as_second() - at);
            at = until.as_second();
            assert_eq!(breaker.way(second(at)), Way::Trial);
            assert_eq!(Way::Closed(breaker.try_out(second(at))), breaker.way(second(at)), "one tries for all");
            at += 2;
            assert!(breaker.failed(true, second(at)));
        }
        assert_eq!(rests, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    #[test]
    fn what_was_under_way_when_others_failed_counts_once() {
        let mut breaker = Breaker::default();
        assert_eq!((0..100).filter(|_| breaker.failed(false, second(0))).count(), 5);
        assert_eq!(breaker.way(second(0)), Way::Closed(second(30)));
    }
}

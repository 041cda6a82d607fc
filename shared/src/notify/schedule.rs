//! When a delivery is tried again.

use jiff::{SignedDuration, Timestamp};

/// The waits after failed attempts, in seconds: twelve attempts over three days.
const WAITS: [i64; 11] = [30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 57_600, 57_600, 64_800];

/// The longest `Retry-After` that counts.
const LONGEST_PUT_OFF: SignedDuration = SignedDuration::from_hours(24);

/// When to try again after `failed` attempts in a row, not before the endpoint's `Retry-After`; `None` after the last
/// try. `fraction` in `0.0..1.0` adds up to a tenth, so that deliveries that failed together are not repeated
/// together.
#[must_use]
pub fn next_attempt(
    failed: usize,
    retry_after: Option<SignedDuration>,
    now: Timestamp,
    fraction: f64,
) -> Option<Timestamp> {
    let wait = WAITS.get(failed.checked_sub(1)?)?;
    let wait = SignedDuration::from_secs(*wait).mul_f64(1.0 + fraction / 10.0);
    let put_off = retry_after.unwrap_or_default().min(LONGEST_PUT_OFF);
    Some(now + wait.max(put_off))
}

/// How many of the waits above a postponed delivery goes through; after that it always waits the last of them.
const WAITS_UNCALLED: usize = 6;
/// How often a delivery is postponed before it is given up: about five days.
const MAX_UNCALLED: usize = 45;

/// When to look again at a delivery that was postponed so often, now until `until`; `None` where it is given up.
#[must_use]
pub fn after_put_off(times: usize, until: Timestamp, now: Timestamp, fraction: f64) -> Option<Timestamp> {
    let wait = WAITS.get(times.checked_sub(1)?.min(WAITS_UNCALLED - 1)).filter(|_| times <= MAX_UNCALLED)?;
    Some(until.max(now + SignedDuration::from_secs(*wait).mul_f64(1.0 + fraction / 10.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postponed_delivery_is_given_up_after_five_days() {
        let (mut now, mut times) = (Timestamp::UNIX_EPOCH, 1);
        while let Some(next) = after_put_off(times, now, now, 0.0) {
            now = next;
            times += 1;
        }
        let days = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64() / 86_400.0;
        assert!((4.9..5.3).contains(&days), "{days}");
        let until = now + SignedDuration::from_hours(1);
        assert_eq!(after_put_off(1, until, now, 0.0), Some(until));
    }

    #[test]
    fn there_are_twelve_attempts_over_three_days() {
        let mut now = Timestamp::UNIX_EPOCH;
        let mut attempts = 1;
        while let Some(next) = next_attempt(attempts, None, now, 0.0) {
            now = next;
            attempts += 1;
        }
        assert_eq!(attempts, 12);
        let days = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64() / 86_400.0;
        assert!((2.9..3.1).contains(&days), "{days}");
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time_and_not_for_less() {
        let at = |retry_after: i64| {
            let next = next_attempt(1, Some(SignedDuration::from_secs(retry_after)), Timestamp::UNIX_EPOCH, 0.0);
            next.map(Timestamp::as_second)
        };
        assert_eq!([at(1), at(300), at(1_000_000)], [Some(30), Some(300), Some(86_400)]);
    }
}

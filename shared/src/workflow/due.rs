//! When a process is looked at again if nothing else wakes it. The stream is for speed; this is the promise.

use jiff::{SignedDuration, Timestamp};

use crate::{
    platform::Entropy,
    process::{Process, SUBMISSION_GRACE, Status},
    providers::Provider,
};

/// The longest wait for a provider that does not answer.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_hours(1);

/// The next look at `process`, or `None` where nothing but events remains to be seen to. Everything but fixed moments gets up to a
/// tenth of jitter, so that what was created together is not asked for together.
pub fn next_look(
    process: &Process,
    provider: &dyn Provider,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Option<Timestamp> {
    let jittered = |wait: SignedDuration| now + wait.mul_f64(1.0 + entropy.fraction() / 10.0);
    let mut looks = Vec::new();
    if process.status == Status::Submitting && process.provider_reference.is_none() {
        let repeatable = process.unsent || provider.submit_is_repeatable();
        looks.push(if now < process.submit_lease_until {
            process.submit_lease_until
        } else if repeatable {
            jittered(backoff(process.failures))
        } else {
            process.created_at + SUBMISSION_GRACE
        });
    } else if !process.status.is_terminal() {
        let age = now.duration_since(process.created_at);
        let planned =
            if process.failures > 0 { backoff(process.failures) } else { provider.poll_after(process.status, age) };
        looks.push(jittered(planned));
        // A deadline that has passed was seen to by the look that calls this.
        if process.status == Status::InProgress && process.failures == 0 && process.expires_at > now {
            looks.push(process.expires_at);
        }
    }
    if process.awaits_held_verdict()
        && let Some(held) = &process.held_verdict
    {
        looks.push(if held.usable_at > now { held.usable_at } else { jittered(backoff(process.failures)) });
    }
    if let Some(at) = process.next_copy_at() {
        let soonest = if process.failures > 0 { backoff(process.failures) } else { SignedDuration::from_secs(1) };
        looks.push(at.max(jittered(soonest)));
    }
    looks.into_iter().min()
}

/// 15 s, doubled with each failure.
fn backoff(failures: u32) -> SignedDuration {
    let seconds = 15_i64 << failures.saturating_sub(1).min(8);
    SignedDuration::from_secs(seconds).min(LONGEST_BACKOFF)
}

//! Plans the next check of a process. The stream makes it fast; this schedule guarantees it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    platform::Entropy,
    process::{Certificate, Process, SUBMISSION_GRACE, Status},
    providers::Provider,
};

/// The longest wait for a provider that does not answer.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_hours(1);
/// How often the schedule runs (`PollDue` in template.yaml). A check waits for the first run after its planned time.
const SCHEDULE_PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// The next check of `process`, or `None` if only an event can change it. A process that has ended is checked once more
/// when its `retention` (in days) is over. Everything except fixed times is spread by [`planned`], so that processes
/// created together are not all checked together.
pub fn next_check(
    process: &Process,
    provider: &dyn Provider,
    retention: Option<u32>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Option<Timestamp> {
    if process.redaction.is_some() {
        return process.next_sweep_at();
    }
    let can = provider.capabilities();
    let jittered = |wait: SignedDuration| now + planned(wait, entropy.fraction());
    let mut checks = Vec::new();
    if process.status == Status::Submitting && process.provider_reference.is_none() {
        let repeatable = process.unsent || can.repeatable_submission;
        checks.push(if now < process.submit_lease_until {
            process.submit_lease_until
        } else if repeatable {
            jittered(backoff(process.failures))
        } else {
            process.created_at + SUBMISSION_GRACE
        });
    } else if !process.status.is_terminal() {
        let age = now.duration_since(process.created_at);
        if can.query {
            let wait =
                if process.failures > 0 { backoff(process.failures) } else { provider.poll_after(process.status, age) };
            checks.push(jittered(wait));
        }
        // The current refresh already handled a deadline that has passed.
        if process.status == Status::InProgress && process.failures == 0 && process.expires_at > now {
            checks.push(process.expires_at);
        }
    }
    if process.awaits_held_verdict()
        && let Some(held) = &process.held_verdict
    {
        checks.push(if held.usable_at > now { held.usable_at } else { jittered(backoff(process.failures)) });
    }
    let certificate = process.certificate.as_ref().and_then(Certificate::next_try_at);
    let again = [certificate, process.next_escalation_at()].into_iter().flatten();
    checks.extend(again.map(|at| at.max(jittered(SignedDuration::from_secs(1)))));
    checks.extend(process.retained_until(retention));
    let locks_at = process.next_lock_step_at(now);
    checks.extend(locks_at.map(|at| if at > now { at } else { jittered(SignedDuration::from_secs(1)) }));
    if let Some(at) = process.next_copy_at() {
        let soonest = if process.failures > 0 { backoff(process.failures) } else { SignedDuration::from_secs(1) };
        checks.push(at.max(jittered(soonest)));
    }
    checks.into_iter().min()
}

/// The planned form of the wait `wait`: up to 5% longer or shorter, by the random `fraction`, and half a schedule
/// period early, because the check is made by the first run after its time. This keeps the number of checks as planned:
/// a check "each minute" planned for just after a run would happen every two minutes.
fn planned(wait: SignedDuration, fraction: f64) -> SignedDuration {
    let early = (SCHEDULE_PERIOD / 2).min(wait / 2);
    wait - early + wait.mul_f64((fraction - 0.5) / 10.0)
}

/// 15 s, doubled with each failure.
pub(super) fn backoff(failures: u32) -> SignedDuration {
    let seconds = 15_i64 << failures.saturating_sub(1).min(8);
    SignedDuration::from_secs(seconds).min(LONGEST_BACKOFF)
}

#[cfg(test)]
mod tests;

//! Sending what processes left in their queues: at least once, one process's notifications one after another, those of
//! different processes side by side. A refused one is tried three more times, then it is gone.

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;

use super::process::later;
use crate::state::State;
use crate::{Sandbox, Webhook, webhooks};

/// How many processes are served at once.
const AT_ONCE: usize = 16;
const MORE_TRIES: i32 = 3;

/// The right to send some deliveries of one process: while it lives nobody else sends them. Given up on drop, so a
/// sender that is cancelled leaves them to the next tick.
pub(crate) struct Claim {
    sandbox: Sandbox,
    code: String,
    deliveries: Vec<u64>,
}

/// Sends whatever is due. Gives the number of tries.
pub(crate) async fn deliver_due(sandbox: &Sandbox) -> usize {
    let claims = {
        let (now, mut state) = (sandbox.now(), sandbox.state());
        let codes: Vec<String> = state.auco.keys().cloned().collect();
        codes.iter().filter_map(|code| Claim::take(sandbox, &mut state, code, now)).collect::<Vec<_>>()
    };
    stream::iter(claims).map(Claim::send).buffer_unordered(AT_ONCE).fold(0, async |sum, tries| sum + tries).await
}

impl Claim {
    /// Claims what is due of one process, if there is anything.
    pub fn take(sandbox: &Sandbox, state: &mut State, code: &str, now: Timestamp) -> Option<Claim> {
        let queue = &state.auco.get(code)?.deliveries;
        let due = queue.iter().filter(|delivery| delivery.due <= now).map(|delivery| delivery.id);
        let free = due.filter(|id| !state.sending.contains(&(code.to_owned(), *id)));
        let deliveries: Vec<u64> = free.collect();
        if deliveries.is_empty() {
            return None;
        }
        state.sending.extend(deliveries.iter().map(|id| (code.to_owned(), *id)));
        Some(Claim { sandbox: sandbox.clone(), code: code.to_owned(), deliveries })
    }

    /// Sends them in order and notes what became of each. Gives the number of tries.
    pub async fn send(self) -> usize {
        for id in &self.deliveries {
            let taken = match self.look_up(*id) {
                Some((webhook, body)) => webhooks::post(&self.sandbox.inner.client, &webhook, &body).await,
                None => false,
            };
            self.note(*id, taken);
        }
        self.deliveries.len()
    }

    /// Where to, and what. `None` where the webhook does not exist (any more).
    fn look_up(&self, id: u64) -> Option<(Webhook, serde_json::Value)> {
        let mut state = self.sandbox.state();
        let queue = &state.auco.get(&self.code)?.deliveries;
        let delivery = queue.iter().find(|delivery| delivery.id == id)?;
        let webhook = state.auco_webhooks.iter().find(|webhook| match &delivery.webhook {
            Some(target) => webhook.id == *target,
            None => webhook.default,
        })?;
        let found = (webhook.clone(), delivery.body.clone());
        state.calls.webhooks_sent += 1;
        Some(found)
    }

    fn note(&self, id: u64, taken: bool) {
        let (now, step) = (self.sandbox.now(), self.sandbox.inner.times.webhook_retry_step);
        let mut state = self.sandbox.state();
        state.calls.webhooks_acknowledged += u64::from(taken);
        let Some(process) = state.auco.get_mut(&self.code) else { return };
        process.deliveries.retain_mut(|delivery| {
            if delivery.id != id {
                return true;
            }
            delivery.failed_tries += 1;
            let wait = step.checked_mul(delivery.failed_tries).unwrap_or(step);
            delivery.due = later(now, wait);
            !taken && delivery.failed_tries <= MORE_TRIES
        });
        state.save_or_warn(&self.code);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.sandbox.state();
        for id in &self.deliveries {
            state.sending.remove(&(self.code.clone(), *id));
        }
    }
}

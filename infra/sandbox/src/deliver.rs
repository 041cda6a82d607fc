//! Sends the notifications in the queues at least once: those of one process in order, those of different processes
//! concurrently. A notification that fails is sent up to three more times. Auco documents this; LINK's retries are unknown and
//! assumed to be the same.

use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use serde_json::Value;

use crate::ids::Id;
use crate::sandbox::Sandbox;
use crate::state::State;
use crate::webhooks::{self, Address};

/// How many processes are served at once.
const AT_ONCE: usize = 16;

/// The exclusive right to send some deliveries of one process. It ends on drop, so the next tick sends what a cancelled sender
/// left.
pub(crate) struct Claim {
    sandbox: Sandbox,
    id: Id,
    deliveries: Vec<u64>,
}

/// Sends all deliveries that are due. Gives the number of attempts.
pub(crate) async fn deliver_due(sandbox: &Sandbox) -> usize {
    let claims = {
        let (now, mut state) = (sandbox.now(), sandbox.state());
        state.due_now(now).into_iter().filter_map(|id| Claim::take(sandbox, &mut state, id, now)).collect::<Vec<_>>()
    };
    stream::iter(claims).map(Claim::send).buffer_unordered(AT_ONCE).fold(0, async |sum, tries| sum + tries).await
}

impl Claim {
    /// Claims the deliveries of one process that are due, if there are any.
    pub fn take(sandbox: &Sandbox, state: &mut State, id: Id, now: Timestamp) -> Option<Claim> {
        let due = match &id {
            Id::Auco(code) => state.auco.get(code)?.queue.due(now),
            Id::Link(id) => state.link.get(id)?.queue.due(now),
            Id::Tecalis(_) => return None,
        };
        let free = due.into_iter().filter(|delivery| !state.sending.contains(&(id.clone(), *delivery)));
        let deliveries: Vec<u64> = free.collect();
        if deliveries.is_empty() {
            return None;
        }
        state.sending.extend(deliveries.iter().map(|delivery| (id.clone(), *delivery)));
        Some(Claim { sandbox: sandbox.clone(), id, deliveries })
    }

    /// Sends the deliveries in order and notes each result. Gives the number of attempts.
    pub async fn send(self) -> usize {
        for delivery in &self.deliveries {
            let taken = match self.look_up(*delivery) {
                Some((address, body)) => webhooks::post(&self.sandbox.inner.client, &address, &body).await,
                None => false,
            };
            self.note(*delivery, taken);
        }
        self.deliveries.len()
    }

    /// The address and body of a delivery, which counts as sent. `None` if the address no longer exists.
    fn look_up(&self, delivery: u64) -> Option<(Address, Value)> {
        let mut state = self.sandbox.state();
        let state = &mut *state;
        let found = match &self.id {
            Id::Auco(code) => {
                let queue = &mut state.auco.get_mut(code)?.queue;
                let delivery = queue.get(delivery)?;
                let webhook = state.auco_webhooks.iter().find(|webhook| match &delivery.to {
                    Some(target) => webhook.id == *target,
                    None => webhook.default,
                })?;
                let address = Address { url: webhook.url.clone(), header: webhook.header.clone() };
                let found = (address, delivery.body.clone());
                queue.sent += 1;
                found
            }
            Id::Link(id) => {
                let queue = &mut state.link.get_mut(id)?.queue;
                let delivery = queue.get(delivery)?;
                let found = (Address { url: delivery.to.clone(), header: None }, delivery.body.clone());
                queue.sent += 1;
                found
            }
            Id::Tecalis(_) => return None,
        };
        state.calls.webhooks_sent += 1;
        Some(found)
    }

    fn note(&self, delivery: u64, taken: bool) {
        let (now, step) = (self.sandbox.now(), self.sandbox.inner.times.webhook_retry_step);
        let mut state = self.sandbox.state();
        state.calls.webhooks_acknowledged += u64::from(taken);
        match &self.id {
            Id::Auco(code) => {
                let Some(process) = state.auco.get_mut(code) else { return };
                process.queue.note(delivery, taken, now, step);
            }
            Id::Link(id) => {
                let Some(request) = state.link.get_mut(id) else { return };
                request.queue.note(delivery, taken, now, step);
            }
            Id::Tecalis(_) => return,
        }
        state.save_or_warn(&self.id);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.sandbox.state();
        for delivery in &self.deliveries {
            state.sending.remove(&(self.id.clone(), *delivery));
        }
    }
}

//! The outgoing notifications of one process, in order. It uses no clock, lock or network: `deliver` sends.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::later;

const MORE_TRIES: i32 = 3;

/// One notification on its way. `T` says where to: the name of a webhook that is looked up when it is sent, or a URL.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Delivery<T> {
    /// Unique within its process.
    pub id: u64,
    #[serde(rename = "webhook")]
    pub to: T,
    pub body: Value,
    pub due: Timestamp,
    pub failed_tries: i32,
}

/// The notifications of one process, and how many were sent.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Queue<T> {
    deliveries: Vec<Delivery<T>>,
    /// Notifications that wait for the next one.
    held: Vec<Delivery<T>>,
    next_delivery: u64,
    /// Requests sent, every try counted.
    #[serde(default)]
    pub sent: u64,
    /// Of these, the ones answered 2xx in time.
    #[serde(default)]
    pub acknowledged: u64,
}

impl<T: Clone> Queue<T> {
    /// Queues a notification for each target, `copies` times, and after it those that were held. With `hold`, holds it instead.
    pub fn enqueue(&mut self, targets: &[T], copies: usize, body: &Value, at: Timestamp, hold: bool) {
        let mut told = Vec::new();
        for to in targets {
            for _ in 0..copies {
                told.push(Delivery {
                    id: self.next_delivery,
                    to: to.clone(),
                    body: body.clone(),
                    due: at,
                    failed_tries: 0,
                });
                self.next_delivery += 1;
            }
        }
        if hold {
            self.held.append(&mut told);
        } else {
            self.deliveries.append(&mut told);
            for mut held in std::mem::take(&mut self.held) {
                held.due = at;
                self.deliveries.push(held);
            }
        }
    }

    /// The number of notifications that are not sent yet, held ones included.
    pub fn pending(&self) -> usize {
        self.deliveries.len() + self.held.len()
    }

    /// The ids of those due now.
    pub fn due(&self, now: Timestamp) -> Vec<u64> {
        self.deliveries.iter().filter(|delivery| delivery.due <= now).map(|delivery| delivery.id).collect()
    }

    /// When the next one is due of those that `counts`.
    pub fn next_due(&self, counts: impl Fn(u64) -> bool) -> Option<Timestamp> {
        self.deliveries.iter().filter(|delivery| counts(delivery.id)).map(|delivery| delivery.due).min()
    }

    /// One of those that go out.
    pub fn get(&self, id: u64) -> Option<&Delivery<T>> {
        self.deliveries.iter().find(|delivery| delivery.id == id)
    }

    /// Notes the result of an attempt. A failed notification is sent again after one, two and three `step`s, then dropped.
    pub fn note(&mut self, id: u64, taken: bool, now: Timestamp, step: SignedDuration) {
        self.acknowledged += u64::from(taken);
        self.deliveries.retain_mut(|delivery| {
            if delivery.id != id {
                return true;
            }
            delivery.failed_tries += 1;
            let wait = step.checked_mul(delivery.failed_tries).unwrap_or(step);
            delivery.due = later(now, wait);
            !taken && delivery.failed_tries <= MORE_TRIES
        });
    }
}

//! One message on its way to one channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Channel, Message, Outcome, schedule};
use crate::{
    common::{Actor, Private, TenantId, ids::uuid_of},
    people::Record,
};

/// Attempts that a delivery keeps.
const MAX_SHOWN: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Derived from the event and the channel.
    pub id: Uuid,
    pub tenant: TenantId,
    /// The channel; the record that it is about, where `url` is set.
    pub channel: Uuid,
    /// A callback URL that a record brought with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Private<String>>,
    /// The event's id; the same at every attempt and for every channel.
    pub event_id: Uuid,
    pub message: Message,
    pub state: DeliveryState,
    /// Failures since it was created or replayed.
    pub failed: usize,
    /// How often since then the breaker postponed it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub put_off: usize,
    /// The latest attempts, the oldest first.
    pub attempts: Vec<Attempt>,
    /// `None` where it is not attempted again.
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The last replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replay>,
}

/// A request to deliver again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub at: Timestamp,
    pub by: Actor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// Every attempt failed.
    Failed,
    /// Its channel is inactive.
    Abandoned,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Abandoned];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: Timestamp,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// A stable code.
    pub error: Option<String>,
    pub duration_ms: u64,
}

impl Delivery {
    /// A delivery of `message` about the event `event_id`, due at once.
    #[must_use]
    pub fn new(event_id: Uuid, channel: &Channel, message: Message, now: Timestamp) -> Self {
        Self {
            id: uuid_of(&["delivery", &event_id.to_string(), &channel.id.to_string()]),
            tenant: channel.tenant.clone(),
            channel: channel.id,
            url: None,
            event_id,
            message,
            state: DeliveryState::Pending,
            failed: 0,
            put_off: 0,
            attempts: Vec::new(),
            next_attempt_at: Some(now),
            created_at: now,
            replayed: None,
        }
    }

    /// A delivery of `message` about the event `event_id`, to the callback URL of the record `about`.
    #[must_use]
    pub fn to_url(event_id: Uuid, about: &Record, url: Private<String>, message: Message, now: Timestamp) -> Self {
        let place = Channel::of_url(about.id, &about.tenant, url.expose().clone(), now);
        Self { url: Some(url), ..Self::new(event_id, &place, message, now) }
    }

    /// Whether an attempt is due at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == DeliveryState::Pending && self.next_attempt_at.is_some_and(|at| at <= now)
    }

    /// Records an attempt that ended at `now`. A delivery that was accepted once stays delivered.
    pub fn record(&mut self, outcome: &Outcome, attempt: Attempt, now: Timestamp, fraction: f64) {
        self.show(attempt);
        if self.state == DeliveryState::Delivered {
            return;
        }
        match outcome {
            Outcome::Taken => self.end(DeliveryState::Delivered),
            Outcome::Gone => self.end(DeliveryState::Failed),
            Outcome::Failed { retry_after } => {
                self.failed += 1;
                self.next_attempt_at = schedule::next_attempt(self.failed, *retry_after, now, fraction);
                if self.next_attempt_at.is_none() {
                    self.state = DeliveryState::Failed;
                }
            }
        }
    }

    /// Postpones it to `until`, because nobody calls its endpoint before. After some days of that it is given up.
    pub fn put_off(&mut self, until: Timestamp, now: Timestamp, fraction: f64) {
        if self.state != DeliveryState::Pending {
            return;
        }
        self.put_off += 1;
        self.next_attempt_at = schedule::after_put_off(self.put_off, until, now, fraction);
        if self.next_attempt_at.is_none() {
            self.give_up("endpoint_failing", now);
        }
    }

    /// Gives it up: it cannot be sent, because of `reason`.
    pub fn give_up(&mut self, reason: &str, now: Timestamp) {
        self.show(Attempt { at: now, status: None, error: Some(reason.to_owned()), duration_ms: 0 });
        self.end(DeliveryState::Failed);
    }

    /// Its channel is inactive.
    pub fn abandon(&mut self) {
        if self.state == DeliveryState::Pending {
            self.end(DeliveryState::Abandoned);
        }
    }

    /// Starts it again, whatever its state.
    pub fn replay(&mut self, by: &Actor, now: Timestamp) {
        self.replayed = Some(Replay { at: now, by: by.clone() });
        self.state = DeliveryState::Pending;
        self.failed = 0;
        self.put_off = 0;
        self.next_attempt_at = Some(now);
    }

    fn show(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        let excess = self.attempts.len().saturating_sub(MAX_SHOWN);
        self.attempts.drain(..excess);
    }

    fn end(&mut self, state: DeliveryState) {
        self.state = state;
        self.next_attempt_at = None;
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What a channel's log shows of a delivery. It is stored beside the delivery, so that a log reads nothing else.
#[derive(Serialize)]
pub struct DeliverySummary<'a> {
    id: String,
    event: &'a str,
    event_id: String,
    resource_id: &'a str,
    resource_name: &'a str,
    state: &'static str,
    attempts: &'a [Attempt],
    next_attempt_at: Option<Timestamp>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<&'a Replay>,
}

impl<'a> DeliverySummary<'a> {
    #[must_use]
    pub fn of(delivery: &'a Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            event: &delivery.message.event,
            event_id: delivery.event_id.to_string(),
            resource_id: &delivery.message.resource_id,
            resource_name: &delivery.message.resource_name,
            state: delivery.state.as_str(),
            attempts: &delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            created_at: delivery.created_at,
            replayed: delivery.replayed.as_ref(),
        }
    }
}

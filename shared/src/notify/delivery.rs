//! One message on its way to one channel.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Channel, Message, Outcome, schedule};
use crate::{
    common::{Actor, Private, TenantId, ids::uuid_of},
    people::Record,
};

/// Attempts that are shown.
const MAX_SHOWN: usize = 20;

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Follows from the event and the channel.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it goes; what it is about, where that is no channel but `url`.
    pub channel: Uuid,
    /// Where it goes, if it goes to an address that one thing alone brought with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Private<String>>,
    /// What happened; the same at every attempt and for every channel.
    pub event_id: Uuid,
    /// What is told of it.
    pub message: Message,
    /// How far it is.
    pub state: DeliveryState,
    /// Failures since it was made or replayed.
    pub failed: usize,
    /// How often since then it was put off without a call, since its endpoint was left alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub put_off: usize,
    /// The latest attempts, the oldest first.
    pub attempts: Vec<Attempt>,
    /// When it is attempted next; `None` where it is not.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who had it delivered again last, and when, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replayed>,
}

/// That a delivery was asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is still attempted.
    Pending,
    /// It was taken.
    Delivered,
    /// Every attempt failed.
    Failed,
    /// Its channel was inactive.
    Abandoned,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Abandoned];

    /// The name used in answers and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The HTTP status that came back, if one did.
    pub status: Option<u16>,
    /// What was wrong, if something was.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

impl Delivery {
    /// `message` about the event `event_id`, to be attempted at once.
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

    /// `message` about the event `event_id`, for the address that the record `about` brought with it.
    #[must_use]
    pub fn to_url(event_id: Uuid, about: &Record, url: Private<String>, message: Message, now: Timestamp) -> Self {
        let place = Channel::of_url(about.id, &about.tenant, url.expose().clone(), now);
        Self { url: Some(url), ..Self::new(event_id, &place, message, now) }
    }

    /// Whether it is to be attempted at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == DeliveryState::Pending && self.next_attempt_at.is_some_and(|at| at <= now)
    }

    /// Takes up what came of an attempt that ended at `now`. What was taken once stays taken.
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

    /// Nobody calls its endpoint before `until`. That is no attempt; after days of it, it is given up.
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

    /// It cannot be sent at all, because of `reason`.
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

    /// Attempts it anew, whatever came of it.
    pub fn replay(&mut self, by: &Actor, now: Timestamp) {
        self.replayed = Some(Replayed { at: now, by: by.clone() });
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

/// What a channel's log shows of a delivery; stored beside it, so that a log reads nothing else.
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
    replayed: Option<&'a Replayed>,
}

impl<'a> DeliverySummary<'a> {
    /// The summary of `delivery`.
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

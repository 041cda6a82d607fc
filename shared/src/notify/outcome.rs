//! The outcome of an attempt to send a message.

use jiff::SignedDuration;

/// The outcome of an attempt at a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint accepted the message.
    Taken,
    /// The endpoint did not accept it; it is tried again.
    Failed {
        /// The `Retry-After` of the answer.
        retry_after: Option<SignedDuration>,
    },
    /// The endpoint wants no more messages of this channel.
    Gone,
}

/// What one attempt returned: the outcome, the HTTP status if there was one, and a stable code of the error.
pub(super) type Answer = (Outcome, Option<u16>, Option<&'static str>);

pub(super) fn failed(error: &'static str) -> Answer {
    (Outcome::Failed { retry_after: None }, None, Some(error))
}

/// Errors after which the endpoint may have accepted the message all the same.
const UNCERTAIN: [&str; 2] = ["timeout", "no_answer"];

/// The outcome of a message that is not repeated: a code to a phone or mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Taken,
    Refused,
    /// There was no answer: it may have been accepted.
    Uncertain,
}

impl Sent {
    pub(super) fn of((outcome, _, error): Answer) -> Self {
        match error {
            _ if outcome == Outcome::Taken => Self::Taken,
            Some(error) if UNCERTAIN.contains(&error) => Self::Uncertain,
            _ => Self::Refused,
        }
    }
}

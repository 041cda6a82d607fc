//! Telling the customer's systems what happened: channels, deliveries, and how a delivery is sent.
//!
//! An event becomes one delivery for each channel that subscribes to it, under an id that follows from both; a delivery is
//! attempted until somebody took it or it is given up. Nothing here touches the table: `workflow::deliver` and
//! `workflow::attempt` do.
//!
//! | file | subject |
//! | --- | --- |
//! | `topic` | what can be subscribed to |
//! | `channel` | where events go, and what is wrong with it |
//! | `seal` | secrets in records |
//! | `message` | what is told of an event |
//! | `delivery` | one message on its way to one channel |
//! | `schedule` | when it is tried again |
//! | `breaker` | when an endpoint that fails is left alone |
//! | `send` | one attempt, whatever the channel |
//! | `webhook`, `slack`, `email` | one attempt at each type of channel |
//! | `sms` | a message to a phone |
//! | `signature` | Standard Webhooks signatures |

pub mod breaker;
pub mod channel;
pub mod delivery;
mod email;
pub mod message;
pub mod schedule;
pub mod seal;
pub mod send;
pub mod signature;
pub mod slack;
pub mod sms;
pub mod topic;
mod webhook;

pub use breaker::{Breaker, Way};
pub use channel::{Channel, Config};
pub use delivery::{Attempt, Delivery, DeliveryState, DeliverySummary};
pub use message::Message;
pub use send::{Outcome, Sender, Sent};
pub use topic::Topic;

//! Notifying the customer's systems: channels, deliveries, and how a delivery is sent.
//!
//! An event becomes one delivery for each channel that subscribes to it, with an id derived from both. A delivery is attempted until
//! the endpoint accepts it or it is given up. Nothing here touches the table: `workflow::deliver` and
//! `workflow::attempt` do.
//!
//! | file | subject |
//! | --- | --- |
//! | `topic` | what channels can subscribe to |
//! | `channel` | where messages go, and how a channel fares |
//! | `seal` | encrypted secrets in records |
//! | `message` | the content of a notification |
//! | `delivery` | one message on its way to one channel |
//! | `schedule` | when a delivery is tried again |
//! | `breaker` | when a failing endpoint is not called |
//! | `send`, `outcome` | one attempt, whatever the type of channel, and its outcome |
//! | `webhook`, `slack`, `email` | one attempt at each type of channel |
//! | `sms` | a message to a phone |
//! | `signature` | Standard Webhooks signatures |

pub mod breaker;
pub mod channel;
pub mod delivery;
mod email;
pub mod message;
mod outcome;
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
pub use outcome::{Outcome, Sent};
pub use send::Sender;
pub use topic::Topic;

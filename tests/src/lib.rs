//! The base of the end-to-end tests: the whole local system with a clock, entropy and AWS transport that a test controls. Nothing
//! here sleeps; time passes when a test moves the clock.

pub mod pocket;

mod customer;
mod kept;
mod lag;
mod operator;
mod proxy;
mod receiver;
mod refusals;
mod seams;
mod transport;
mod trouble;
mod wire;
mod world;

pub use customer::{Answer, Customer, link_order, order, tecalis_order};
pub use kept::Kept;
pub use operator::operator;
pub use proxy::Proxy;
pub use receiver::{Received, Receiver};
pub use seams::{SeededEntropy, SteppedClock};
pub use transport::Transport;
pub use trouble::{Refusal, Trouble};
pub use wire::{Call, Disturbance, When, Wire, Written};
pub use world::{INDEX_LAG, World, start_of_time};

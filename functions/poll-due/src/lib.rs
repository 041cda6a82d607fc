//! Wakes overdue items, every minute.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cotejo::{
    deployment::Deployment,
    lambda::{Error, EventFunction},
    workflow::poll::PollDue,
};
use serde_json::Value;

/// What the function needs, built once.
pub struct App {
    poll: PollDue,
}

impl EventFunction for App {
    type Event = EventBridgeEvent<Value>;
    type Answer = ();

    fn new(deployment: &Deployment) -> Self {
        Self { poll: PollDue::new(deployment) }
    }

    /// Wakes overdue items; the event's content does not matter.
    ///
    /// # Errors
    /// Cotejo's own table failed; the next run finds the same items.
    async fn handle(&self, _event: EventBridgeEvent<Value>) -> Result<(), Error> {
        self.poll.run().await?;
        Ok(())
    }
}

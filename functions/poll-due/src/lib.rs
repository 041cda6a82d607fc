//! The schedule, every minute: wakes whatever is overdue.

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

    /// Wakes whatever is overdue; what the event says does not matter.
    ///
    /// # Errors
    /// Our own store; the next run finds the same.
    async fn handle(&self, _event: EventBridgeEvent<Value>) -> Result<(), Error> {
        self.poll.run().await?;
        Ok(())
    }
}

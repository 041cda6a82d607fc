//! The schedule, every minute: wakes whatever is overdue.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cotejo::{platform::Platform, workflow::poll::PollDue};
use lambda_runtime::Error;
use serde_json::Value;

/// What the function needs, built once.
pub struct App {
    poll: PollDue,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { poll: PollDue::new(platform) }
    }
}

/// Wakes whatever is overdue; what the event says does not matter.
///
/// # Errors
/// Our own store; the next run finds the same.
pub async fn handle(app: &App, _event: EventBridgeEvent<Value>) -> Result<(), Error> {
    app.poll.run().await?;
    Ok(())
}

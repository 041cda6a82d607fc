//! Reads the wake tokens from the table's stream: refreshes every process that was woken, starts long copies, and advances
//! exports and imports.
//!
//! A record only names an item; the function reads the item's current state.

use std::sync::Arc;

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use cotejo::{
    deployment::Deployment,
    lambda::{Error, EventFunction},
    platform::Clock,
    store::keys::WorkKey,
    workflow::{jobs::RunJob, lag::WatchLag, long_copy::StartLongCopy, refresh::RefreshProcess, stream},
};

/// What the function needs, built once.
pub struct App {
    clock: Arc<dyn Clock>,
    refresh: RefreshProcess,
    copy: StartLongCopy,
    jobs: RunJob,
    lag: WatchLag,
}

impl EventFunction for App {
    type Event = Event;
    type Answer = DynamoDbEventResponse;

    const NEEDS_KEYS: bool = true;

    fn new(deployment: &Deployment) -> Self {
        Self {
            clock: deployment.platform.seams.clock.clone(),
            refresh: RefreshProcess::new(deployment),
            copy: StartLongCopy::new(deployment),
            jobs: RunJob::new(deployment),
            lag: WatchLag::new(&deployment.platform, "run-work"),
        }
    }

    /// Handles each item that was woken. The answer names the records that failed on Cotejo's own infrastructure, which Lambda
    /// delivers again.
    ///
    /// # Errors
    /// None: a failure concerns its own record only.
    async fn handle(&self, event: Event) -> Result<DynamoDbEventResponse, Error> {
        let lag = self.lag.look(&event);
        let items = stream::each_item(event, self.clock.as_ref(), |key, end| async move {
            match key {
                WorkKey::Process(key) => self.refresh.run(&key, end).await,
                WorkKey::LongCopy(key) => self.copy.run(&key).await,
                WorkKey::Job(key) => self.jobs.run(&key, end).await,
                // `deliver-notifications` handles these.
                WorkKey::Delivery(_) | WorkKey::Record(_) => Ok(()),
            }
        });
        let (answer, ()) = tokio::join!(items, lag);
        Ok(answer)
    }
}

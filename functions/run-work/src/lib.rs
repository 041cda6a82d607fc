//! The table's stream, the wake tokens: refreshes every process that was woken, has copied what takes long, and
//! takes exports and imports a step further.
//!
//! A record only says where to look; what counts is the item as it stands.

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

    /// Handles each item that was woken. Names the records that our own store's trouble kept from being handled, for Lambda
    /// to bring again.
    ///
    /// # Errors
    /// None: whatever fails, fails for its own record.
    async fn handle(&self, event: Event) -> Result<DynamoDbEventResponse, Error> {
        let lag = self.lag.look(&event);
        let items = stream::each_item(event, self.clock.as_ref(), |key, end| async move {
            match key {
                WorkKey::Process(key) => self.refresh.run(&key, end).await,
                WorkKey::LongCopy(key) => self.copy.run(&key).await,
                WorkKey::Job(key) => self.jobs.run(&key, end).await,
                // It was not woken; `deliver-notifications` handles it.
                WorkKey::Delivery(_) | WorkKey::Record(_) => Ok(()),
            }
        });
        let (answer, ()) = tokio::join!(items, lag);
        Ok(answer)
    }
}

//! The table's stream, the wake tokens: refreshes every process that was woken, has copied what takes long, and
//! takes exports and imports a step further.
//!
//! A record only says where to look; what counts is the item as it stands.

use std::sync::Arc;

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use cotejo::{
    platform::{Clock, Platform},
    store::keys::WorkKey,
    workflow::{jobs::RunJob, lag::WatchLag, long_copy::StartLongCopy, refresh::RefreshProcess, stream},
};
use lambda_runtime::Error;

/// What the function needs, built once.
pub struct App {
    clock: Arc<dyn Clock>,
    refresh: RefreshProcess,
    copy: StartLongCopy,
    jobs: RunJob,
    lag: WatchLag,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self {
            clock: platform.seams.clock.clone(),
            refresh: RefreshProcess::new(platform),
            copy: StartLongCopy::new(platform),
            jobs: RunJob::new(platform),
            lag: WatchLag::new(platform, "run-work"),
        }
    }
}

/// Handles each item that was woken. Names the records that our own store's trouble kept from being handled, for Lambda
/// to bring again.
///
/// # Errors
/// None: whatever fails, fails for its own record.
pub async fn handle(app: &App, event: Event) -> Result<DynamoDbEventResponse, Error> {
    let lag = app.lag.look(&event);
    let items = stream::each_item(event, app.clock.as_ref(), |key, end| async move {
        match key {
            WorkKey::Process(key) => app.refresh.run(&key, end).await,
            WorkKey::LongCopy(key) => app.copy.run(&key).await,
            WorkKey::Job(key) => app.jobs.run(&key, end).await,
            // It was not woken; `deliver-notifications` handles it.
            WorkKey::Delivery(_) | WorkKey::Record(_) => Ok(()),
        }
    });
    let (answer, ()) = tokio::join!(items, lag);
    Ok(answer)
}

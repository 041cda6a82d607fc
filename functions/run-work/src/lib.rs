//! The table's stream, the wishes: looks at every process that somebody wishes to be looked at.
//!
//! A record only says where to look; what counts is the item as it stands.

use std::sync::Arc;

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use cotejo::{
    platform::{Clock, Platform},
    workflow::{refresh::RefreshProcess, stream},
};
use lambda_runtime::Error;

/// What the function needs, built once.
pub struct App {
    clock: Arc<dyn Clock>,
    refresh: RefreshProcess,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { clock: platform.seams.clock.clone(), refresh: RefreshProcess::new(platform) }
    }
}

/// Looks at every process that somebody wishes to be looked at. Names the records that our own
/// store's trouble kept from being handled, for Lambda to bring again.
///
/// # Errors
/// None: whatever fails, fails for its own record.
pub async fn handle(app: &App, event: Event) -> Result<DynamoDbEventResponse, Error> {
    Ok(stream::each_process(event, app.clock.as_ref(), |key| async move { app.refresh.run(&key).await.map(|_| ()) })
        .await)
}

//! The table's stream, the news: hands on the events of every process that has news.
//!
//! A record only says where to look; what counts is the item as it stands.

use std::sync::Arc;

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use cotejo::{
    platform::{Clock, Platform},
    store::keys::WorkKey,
    workflow::{deliver::DeliverNotifications, stream},
};
use lambda_runtime::Error;

/// What the function needs, built once.
pub struct App {
    clock: Arc<dyn Clock>,
    deliver: DeliverNotifications,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { clock: platform.seams.clock.clone(), deliver: DeliverNotifications::new(platform) }
    }
}

/// Hands on the events of every process that has news. Names the records that our own
/// store's trouble kept from being handled, for Lambda to bring again.
///
/// # Errors
/// None: whatever fails, fails for its own record.
pub async fn handle(app: &App, event: Event) -> Result<DynamoDbEventResponse, Error> {
    Ok(stream::each_item(event, app.clock.as_ref(), |key| async move {
        match key {
            WorkKey::Process(key) => app.deliver.run(&key).await.map(|_| ()),
            // It has no events.
            WorkKey::LongCopy(_) => Ok(()),
        }
    })
    .await)
}

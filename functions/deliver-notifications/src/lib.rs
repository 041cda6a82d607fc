//! The table's stream, the outbox tokens: makes deliveries of the events of every process and record that has some, and attempts those that
//! are due.
//!
//! What failed before is attempted apart from the stream, by a call of this function that it makes itself and waits for as little as
//! others have to wait for it.
//!
//! A record only says where to look; what counts is the item as it stands.

use std::sync::Arc;

use aws_lambda_events::event::{dynamodb::Event, streams::DynamoDbEventResponse};
use cotejo::{
    deployment::Deployment,
    lambda::{Error, EventFunction},
    platform::Clock,
    store::keys::WorkKey,
    workflow::{
        attempt::{AttemptDelivery, Order},
        deliver::DeliverNotifications,
        lag::WatchLag,
        stream,
    },
};
use serde::Deserialize;

/// What the function is called with.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Call {
    /// By itself: one attempt.
    Order(Order),
    /// By the stream.
    Stream(Event),
}

/// What the function needs, built once.
pub struct App {
    clock: Arc<dyn Clock>,
    deliver: DeliverNotifications,
    attempt: AttemptDelivery,
    lag: WatchLag,
}

impl EventFunction for App {
    type Event = Call;
    type Answer = DynamoDbEventResponse;

    fn new(deployment: &Deployment) -> Self {
        Self {
            clock: deployment.platform.seams.clock.clone(),
            deliver: DeliverNotifications::new(deployment),
            attempt: AttemptDelivery::new(deployment),
            lag: WatchLag::new(&deployment.platform, "deliver-notifications"),
        }
    }

    /// Hands on the events of every process and record that has some, and attempts every delivery that is due. Names the records that our
    /// own store's trouble kept from being handled, for Lambda to bring again.
    ///
    /// # Errors
    /// Our own store, where it was to attempt one delivery, which is then due again. Otherwise none: whatever fails, fails for its own
    /// record.
    async fn handle(&self, call: Call) -> Result<DynamoDbEventResponse, Error> {
        let event = match call {
            Call::Stream(event) => event,
            Call::Order(order) => {
                self.attempt.run_apart(&order).await?;
                return Ok(DynamoDbEventResponse::default());
            }
        };
        let lag = self.lag.look(&event);
        let items = stream::each_item(event, self.clock.as_ref(), |key, _| async move {
            match key {
                WorkKey::Process(key) => self.deliver.run(&key).await.map(|_| ()),
                WorkKey::Record(key) => self.deliver.run_record(&key).await.map(|_| ()),
                WorkKey::Delivery(key) => self.attempt.run(&key).await,
                // It has no events.
                WorkKey::LongCopy(_) | WorkKey::Job(_) => Ok(()),
            }
        });
        let (answer, ()) = tokio::join!(items, lag);
        Ok(answer)
    }
}

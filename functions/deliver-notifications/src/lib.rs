//! Reads the outbox tokens from the table's stream: turns the events of processes and records into deliveries, and attempts the
//! deliveries that are due.
//!
//! A delivery that failed before is attempted outside of the stream: the function invokes itself asynchronously, so that a slow
//! endpoint delays nobody.
//!
//! A record only names an item; the function reads the item's current state.

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

/// The events that the function takes.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Call {
    /// From the function itself: one attempt.
    Order(Order),
    /// From the table's stream.
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

    /// Turns events into deliveries, and attempts every delivery that is due. The answer names the records that failed on Cotejo's
    /// own infrastructure, which Lambda delivers again.
    ///
    /// # Errors
    /// Cotejo's own infrastructure failed during one attempt; the delivery is due again. In a stream event, a failure concerns its
    /// own record only.
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
                // These have no events.
                WorkKey::LongCopy(_) | WorkKey::Job(_) => Ok(()),
            }
        });
        let (answer, ()) = tokio::join!(items, lag);
        Ok(answer)
    }
}

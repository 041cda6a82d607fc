//! Handing events on: every event becomes one delivery for each channel that subscribes to it, then leaves the outbox.
//!
//! A delivery's id follows from the event's and the channel's, so that doing it again after a crash changes nothing.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{MAX_RACES, Means, OwnTrouble, fresh};
use crate::{
    notify::{Delivery, Message},
    platform::Platform,
    store::{ProcessRecord, StoreError, channels::ChannelRecord, keys::OwnKey},
};

/// Deliveries of one process written at once.
const AT_ONCE: usize = 8;

/// The use case.
pub struct DeliverNotifications(Means);

impl DeliverNotifications {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self(Means::new(platform))
    }

    /// Hands on what is in the outbox of `key`, and says how many events that were. Two reads, one write for each
    /// delivery and one for the outbox.
    ///
    /// # Errors
    /// Our own store; the events stay in the outbox.
    pub async fn run(&self, key: &OwnKey) -> Result<usize, OwnTrouble> {
        for _ in 0..MAX_RACES {
            let Some(record) = self.0.store.load(key, key.id).await? else { return Ok(0) };
            if record.outbox.is_empty() {
                return Ok(0);
            }
            let channels = self.0.store.channels(key).await?;
            stream::iter(deliveries(&record, &channels, self.0.now()))
                .map(|delivery| self.put(key, delivery))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            match self.0.store.close_outbox(key, &record).await {
                Ok(()) => return Ok(record.outbox.len()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn put(&self, key: &OwnKey, delivery: Delivery) -> Result<(), StoreError> {
        self.0.store.create_delivery(key, &delivery, &fresh("deliver", self.0.entropy())).await
    }
}

/// What the events in the outbox of `record` become.
fn deliveries(record: &ProcessRecord, channels: &[ChannelRecord], now: jiff::Timestamp) -> Vec<Delivery> {
    let process = &record.process;
    let name = process.request.person.name.clone();
    let mut deliveries = Vec::new();
    for event in record.outbox.values() {
        let message = Message::of_process(process, event);
        let subscribed = channels.iter().map(|record| &record.channel).filter(|channel| channel.wants(&message.event));
        deliveries.extend(subscribed.map(|channel| {
            let message = message.clone().naming(Some(name.clone()).filter(|_| channel.with_names()));
            Delivery::new(event.id, channel, message, now)
        }));
    }
    deliveries
}

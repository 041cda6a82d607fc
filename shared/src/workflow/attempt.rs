//! One attempt at a delivery: what came of it is written down, and with it when the next one is due.
//!
//! Between sending and writing everything may stop; then the message goes out again, under the same id.

use jiff::Timestamp;
use uuid::Uuid;

use super::{MAX_RACES, Means, OwnTrouble, fresh};
use crate::{
    api::Authority,
    notify::{Attempt, Channel, Delivery, DeliveryState, Message, Outcome, Sender, channel::Change},
    platform::{
        Platform,
        telemetry::{self, Metric},
    },
    process::ids::uuid_of,
    store::{
        StoreError,
        channels::ChannelRecord,
        keys::{DeliveryKey, OwnKey},
    },
};

/// The use case.
pub struct AttemptDelivery {
    means: Means,
    sender: Sender,
}

impl AttemptDelivery {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { means: Means::new(platform), sender: Sender::new(platform) }
    }

    /// Attempts the delivery `key`, if it is due. Two reads and one write, and one more where its channel's state changes.
    ///
    /// # Errors
    /// Our own store or secrets; the delivery is attempted again.
    pub async fn run(&self, key: &DeliveryKey) -> Result<(), OwnTrouble> {
        let now = self.means.now();
        let record = self.means.store.delivery(key, key.id, now).await?;
        let Some(record) = record.filter(|record| record.delivery.is_due(now)) else { return Ok(()) };
        let delivery = &record.delivery;
        if let Some(url) = &delivery.url {
            let place = Channel::of_url(delivery.channel, &delivery.tenant, url.expose().clone(), delivery.created_at);
            let (outcome, attempt) = self.hand_over(&place, delivery, now).await?;
            return self.take_up(key, outcome, &attempt).await;
        }
        let channel = self.means.store.channel(key, delivery.channel).await?;
        let Some(channel) = channel.filter(|record| record.channel.active) else {
            return self.write(key, |delivery| delivery.abandon()).await;
        };
        let (outcome, attempt) = self.hand_over(&channel.channel, delivery, now).await?;
        self.judge(key, channel, outcome).await?;
        self.take_up(key, outcome, &attempt).await
    }

    /// Tries to hand the delivery over at `now`.
    async fn hand_over(
        &self,
        place: &Channel,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<(Outcome, Attempt), OwnTrouble> {
        let secrets = self.means.platform.secrets.current().await?;
        let sent = self.sender.send(place, delivery, &secrets, now).await?;
        if sent.0 != Outcome::Taken {
            telemetry::record(Metric::DeliveryFailed, &[], 1.0, self.means.now());
        }
        Ok(sent)
    }

    /// Writes down what came of an attempt.
    async fn take_up(&self, key: &DeliveryKey, outcome: Outcome, attempt: &Attempt) -> Result<(), OwnTrouble> {
        let (now, fraction) = (self.means.now(), self.means.entropy().fraction());
        self.write(key, |delivery| {
            delivery.record(&outcome, attempt.clone(), now, fraction);
            if delivery.state == DeliveryState::Failed {
                tracing::warn!(tenant = %delivery.tenant, delivery = %delivery.id, "delivery given up");
            }
        })
        .await
    }

    async fn write(&self, key: &DeliveryKey, change: impl Fn(&mut Delivery)) -> Result<(), OwnTrouble> {
        change_delivery(&self.means, key, key.id, change).await.map(|_| ())
    }

    /// What the attempt says about its channel. A channel that is disabled by it says so on the tenant's others, first:
    /// a crash in between repeats the attempt, and the notices are the same ones.
    async fn judge(&self, key: &DeliveryKey, mut record: ChannelRecord, outcome: Outcome) -> Result<(), OwnTrouble> {
        let now = self.means.now();
        let channel = &mut record.channel;
        let change = match outcome {
            Outcome::Taken => channel.succeeded(),
            Outcome::Failed { .. } => channel.failed(false, now),
            Outcome::Gone => channel.failed(true, now),
        };
        if change == Change::Disabled {
            self.tell_others(key, channel, now).await?;
            telemetry::record(Metric::ChannelDisabled, &[], 1.0, now);
            tracing::warn!(tenant = %channel.tenant, channel = %channel.id, "channel disabled");
        }
        if change == Change::None {
            return Ok(());
        }
        match self.means.store.commit_channel(key, &record).await {
            // Somebody else knows better; if not, the next attempt says it again.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn tell_others(&self, key: &DeliveryKey, disabled: &Channel, now: Timestamp) -> Result<(), OwnTrouble> {
        let message = Message::of_disabled(disabled);
        let event = notice_id(disabled);
        for other in self.means.store.channels(key).await? {
            let other = other.channel;
            if other.id != disabled.id && other.wants(&message.event) {
                let delivery = Delivery::new(event, &other, message.clone(), now);
                self.means.store.create_delivery(key, &delivery, &fresh("notice", self.means.entropy())).await?;
            }
        }
        Ok(())
    }
}

/// The id of the notice that a channel was disabled. It follows from what the channel looked like before, so that an
/// attempt that is repeated gives the same notice, and a later disabling another one.
fn notice_id(channel: &Channel) -> Uuid {
    let reason = channel.disabled.as_ref().map(|disabled| disabled.reason.as_str()).unwrap_or_default();
    uuid_of(&["channel_disabled", &channel.id.to_string(), &channel.updated_at.to_string(), reason])
}

/// Changes a delivery and stores it, anew for a lost race; where it is due then, it is attempted at once. `None` where there
/// is no such delivery.
pub(super) async fn change_delivery(
    means: &Means,
    who: &impl Authority,
    id: Uuid,
    change: impl Fn(&mut Delivery),
) -> Result<Option<Delivery>, OwnTrouble> {
    for _ in 0..MAX_RACES {
        let now = means.now();
        let Some(mut record) = means.store.delivery(who, id, now).await? else { return Ok(None) };
        change(&mut record.delivery);
        let news = record.delivery.is_due(now).then(|| fresh("deliver", means.entropy()));
        match means.store.commit_delivery(who, &record, news.as_deref()).await {
            Ok(()) => return Ok(Some(record.delivery)),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// Removes everything about the person from what was and will be told about a process.
pub(super) async fn redact_deliveries(means: &Means, key: &OwnKey) -> Result<usize, OwnTrouble> {
    let deliveries = means.store.deliveries_about(key, &key.id.to_string()).await?;
    for delivery in &deliveries {
        change_delivery(means, key, delivery.id, |delivery| delivery.message.redact()).await?;
    }
    Ok(deliveries.len())
}

//! One attempt at a delivery: what came of it is written down, and with it when the next one is due. Where its endpoint is left
//! alone for having failed again and again, only the latter.
//!
//! Between sending and writing everything may stop; then the message goes out again, under the same id.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{MAX_RACES, Means, OwnTrouble, fresh};
use crate::{
    api::Authority,
    notify::{
        Attempt, Breaker, Channel, Delivery, DeliveryState, Message, Outcome, Sender, Way,
        channel::Change,
        send::{FIRST_PATIENCE, PATIENCE},
    },
    platform::{
        Platform,
        telemetry::{self, Metric},
    },
    process::{TenantId, ids::uuid_of},
    store::{
        StoreError,
        channels::ChannelRecord,
        keys::{DeliveryKey, OwnKey},
    },
};

/// Addresses that belong to no channel, and fare badly, of which one execution environment knows.
const MAX_ADDRESSES: usize = 1000;

/// The use case.
pub struct AttemptDelivery {
    means: Means,
    sender: Sender,
    /// How addresses fare that belong to no channel. There is no item to keep it on, so each execution environment finds out for
    /// itself.
    addresses: Mutex<HashMap<String, Breaker>>,
}

impl AttemptDelivery {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { means: Means::new(platform), sender: Sender::new(platform), addresses: Mutex::default() }
    }

    /// Attempts the delivery `key`, if it is due. Two reads and one write, and one more where its channel's state changes or where
    /// it is the one that tries whether the channel works again.
    ///
    /// # Errors
    /// Our own store or secrets; the delivery is attempted again.
    pub async fn run(&self, key: &DeliveryKey) -> Result<(), OwnTrouble> {
        let now = self.means.now();
        let record = self.means.store.delivery(key, key.id, now).await?;
        let Some(record) = record.filter(|record| record.delivery.is_due(now)) else { return Ok(()) };
        let delivery = &record.delivery;
        if let Some(url) = &delivery.url {
            return self.to_address(key, delivery, url.expose(), now).await;
        }
        let channel = match self.means.store.channel(key, delivery.channel).await {
            Err(StoreError::Corrupt(_)) => {
                let error = Some("channel_unreadable".to_owned());
                let attempt = Attempt { at: now, status: None, error, duration_ms: 0 };
                return self.take_up(key, Outcome::Failed { retry_after: None }, &attempt).await;
            }
            channel => channel?,
        };
        let Some(mut channel) = channel.filter(|record| record.channel.active) else {
            return self.write(key, |delivery| delivery.abandon()).await;
        };
        let is_trial = match channel.channel.way(now) {
            Way::Open => false,
            Way::Closed(until) => return self.put_off(key, until).await,
            Way::Trial => {
                let until = channel.channel.try_out(now);
                match self.means.store.commit_channel(key, &channel).await {
                    Ok(()) => channel.version += 1,
                    // Another delivery tries.
                    Err(StoreError::Conflict) => return self.put_off(key, until).await,
                    Err(error) => return Err(error.into()),
                }
                true
            }
        };
        let (outcome, attempt) = self.hand_over(&channel.channel, delivery, is_trial, now).await?;
        self.judge(key, channel, outcome, is_trial).await?;
        self.take_up(key, outcome, &attempt).await
    }

    /// As [`Self::run`], to an address that belongs to no channel.
    async fn to_address(
        &self,
        key: &DeliveryKey,
        delivery: &Delivery,
        url: &str,
        now: Timestamp,
    ) -> Result<(), OwnTrouble> {
        let address = address(&delivery.tenant, url);
        let way = self.addresses(|addresses| {
            let Some(breaker) = addresses.get_mut(&address) else { return Way::Open };
            let way = breaker.way(now);
            if way == Way::Trial {
                breaker.try_out(now);
            }
            way
        });
        if let Way::Closed(until) = way {
            return self.put_off(key, until).await;
        }
        let is_trial = way == Way::Trial;
        let place = Channel::of_url(delivery.channel, &delivery.tenant, url.to_owned(), delivery.created_at);
        let (outcome, attempt) = self.hand_over(&place, delivery, is_trial, now).await?;
        let now = self.means.now();
        self.addresses(|addresses| match outcome {
            Outcome::Failed { .. } => {
                if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&address) {
                    addresses.clear();
                }
                addresses.entry(address).or_default().failed(is_trial, now);
            }
            // It answered.
            Outcome::Taken | Outcome::Gone => drop(addresses.remove(&address)),
        });
        self.take_up(key, outcome, &attempt).await
    }

    fn addresses<T>(&self, see: impl FnOnce(&mut HashMap<String, Breaker>) -> T) -> T {
        see(&mut self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nobody calls now: its endpoint is left alone until then.
    async fn put_off(&self, key: &DeliveryKey, until: Timestamp) -> Result<(), OwnTrouble> {
        let (now, fraction) = (self.means.now(), self.means.entropy().fraction());
        self.write(key, |delivery| delivery.put_off(until, now, fraction)).await
    }

    /// Tries to hand the delivery over at `now`.
    async fn hand_over(
        &self,
        place: &Channel,
        delivery: &Delivery,
        is_trial: bool,
        now: Timestamp,
    ) -> Result<(Outcome, Attempt), OwnTrouble> {
        let secrets = self.means.platform.secrets.current().await?;
        let patience = if delivery.failed == 0 && !is_trial { FIRST_PATIENCE } else { PATIENCE };
        let sent = self.sender.send(place, delivery, &secrets, now, patience).await;
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

    /// What the attempt says about its channel, anew for a lost race: failures that happen side by side all count. A channel that
    /// is disabled by it says so on the tenant's others, first: a crash in between repeats the attempt, and the notices are the
    /// same ones.
    async fn judge(
        &self,
        key: &DeliveryKey,
        mut record: ChannelRecord,
        outcome: Outcome,
        is_trial: bool,
    ) -> Result<(), OwnTrouble> {
        let now = self.means.now();
        for _ in 0..MAX_RACES {
            let channel = &mut record.channel;
            let change = match outcome {
                Outcome::Taken => channel.succeeded(),
                Outcome::Failed { .. } => channel.failed(false, is_trial, now),
                Outcome::Gone => channel.failed(true, is_trial, now),
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
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            let Some(there) = self.means.store.channel(key, record.channel.id).await? else { return Ok(()) };
            record = there;
        }
        // The next attempt says it again.
        Ok(())
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

/// What of an address fares well or badly as a whole, and whose it is.
fn address(tenant: &TenantId, url: &str) -> String {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    format!("{tenant} {}", origin.as_deref().unwrap_or(url))
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

//! One attempt at a delivery. Its result and the time of the next attempt are stored in one write. While the breaker of
//! an endpoint is open, only the time of the next attempt is stored.
//!
//! If the function stops between the call and the write, the message is sent again under the same id.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{InfraError, Services, new_token};
use crate::{
    common::{Authority, TenantId, ids::uuid_of},
    deployment::Deployment,
    notify::{
        Attempt, Breaker, Channel, Delivery, DeliveryState, Message, Outcome, Sender, Way,
        channel::Change,
        send::{FIRST_TIMEOUT, TIMEOUT},
    },
    platform::{
        functions::Functions,
        telemetry::{self, Metric},
    },
    store::{
        StoreError,
        channels::ChannelRecord,
        deliveries::DeliveryRecord,
        keys::{DeliveryKey, OwnKey, WorkKey},
    },
};

/// How many addresses without a channel one execution environment tracks.
const MAX_ADDRESSES: usize = 1000;
/// How long a claim for an attempt outside the stream holds. If the attempt did not start by then, the delivery is due
/// again.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);

/// The order for an attempt outside the stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    delivery: String,
    claimed_until: Timestamp,
    is_trial: bool,
}

enum Place {
    Channel(Box<ChannelRecord>),
    /// An address without a channel, and a temporary channel for it.
    Address(String, Box<Channel>),
}

pub struct AttemptDelivery {
    services: Services,
    sender: Sender,
    functions: Functions,
    /// Breakers of addresses without a channel. They have no item in the table, so each execution environment keeps its
    /// own.
    addresses: Mutex<HashMap<String, Breaker>>,
}

/// Whether a place may be called.
enum Permission {
    Granted {
        place: Place,
        /// Whether the call is a trial on behalf of all deliveries to the place.
        is_trial: bool,
    },
    NotBefore(Timestamp),
}

impl AttemptDelivery {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self {
            services: Services::new(deployment),
            sender: Sender::new(&deployment.platform),
            functions: Functions::new(&deployment.platform),
            addresses: Mutex::default(),
        }
    }

    /// Attempts the delivery `key` if it is due. Two reads and one write; one more write if the channel's state
    /// changes. A delivery that failed before is only claimed here, by one write, and attempted by [`Self::run_apart`]:
    /// an endpoint that hangs must not delay the stream.
    ///
    /// # Errors
    /// Our store or secrets fail; the delivery is attempted again.
    pub async fn run(&self, key: &DeliveryKey) -> Result<(), InfraError> {
        let now = self.services.now();
        let record = self.services.store.delivery(key, key.id, now).await?;
        let Some(record) = record.filter(|record| record.delivery.is_due(now)) else { return Ok(()) };
        let Some(place) = self.place(key, &record.delivery, now).await? else { return Ok(()) };
        let (place, is_trial) = match self.way(key, place, now).await? {
            Permission::Granted { place, is_trial } => (place, is_trial),
            Permission::NotBefore(until) => return self.put_off(key, until).await,
        };
        // The breaker of an address exists only in this execution environment, so the trial is made here.
        let is_apart = if is_trial { matches!(place, Place::Channel(_)) } else { record.delivery.failed > 0 };
        if is_apart {
            return self.claim(key, record, is_trial, now).await;
        }
        self.attempt(key, place, &record.delivery, is_trial, FIRST_TIMEOUT).await
    }

    /// Makes the ordered attempt, unless the delivery changed since the order.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_apart(&self, order: &Order) -> Result<(), InfraError> {
        let Some(WorkKey::Delivery(key)) = WorkKey::of(&order.delivery) else {
            return Err(StoreError::Corrupt("the order of an attempt").into());
        };
        let now = self.services.now();
        let record = self.services.store.delivery(&key, key.id, now).await?.map(|record| record.delivery);
        let claimed = |delivery: &Delivery| {
            delivery.state == DeliveryState::Pending && delivery.next_attempt_at == Some(order.claimed_until)
        };
        let Some(delivery) = record.filter(claimed) else { return Ok(()) };
        let Some(place) = self.place(&key, &delivery, now).await? else { return Ok(()) };
        self.attempt(&key, place, &delivery, order.is_trial, TIMEOUT).await
    }

    /// The destination of the delivery. `None` if there is none; then the delivery is stored as failed.
    async fn place(&self, key: &DeliveryKey, delivery: &Delivery, now: Timestamp) -> Result<Option<Place>, InfraError> {
        if let Some(url) = &delivery.url {
            let url = url.expose();
            let place = Channel::of_url(delivery.channel, &delivery.tenant, url.clone(), delivery.created_at);
            return Ok(Some(Place::Address(address(&delivery.tenant, url), Box::new(place))));
        }
        match self.services.store.channel(key, delivery.channel).await {
            Ok(Some(record)) if record.channel.active => return Ok(Some(Place::Channel(Box::new(record)))),
            Ok(_) => self.write(key, |delivery| delivery.abandon()).await?,
            Err(StoreError::Corrupt(_)) => {
                let error = Some("channel_unreadable".to_owned());
                let attempt = Attempt { at: now, status: None, error, duration_ms: 0 };
                self.take_up(key, Outcome::Failed { retry_after: None }, &attempt).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    /// Whether the destination may be called now, and whether the call is the breaker's trial.
    async fn way(&self, key: &DeliveryKey, mut place: Place, now: Timestamp) -> Result<Permission, InfraError> {
        let way = match &mut place {
            Place::Address(address, _) => self.addresses(|addresses| {
                let Some(breaker) = addresses.get_mut(address.as_str()) else { return Way::Open };
                let way = breaker.way(now);
                if way == Way::Trial {
                    breaker.try_out(now);
                }
                way
            }),
            Place::Channel(record) => {
                let way = record.channel.way(now);
                if way == Way::Trial {
                    let until = record.channel.try_out(now);
                    match self.services.store.commit_channel(key, record).await {
                        Ok(()) => record.version += 1,
                        // Another delivery makes the trial.
                        Err(StoreError::Conflict) => return Ok(Permission::NotBefore(until)),
                        Err(error) => return Err(error.into()),
                    }
                }
                way
            }
        };
        Ok(match way {
            Way::Closed(until) => Permission::NotBefore(until),
            way => Permission::Granted { place, is_trial: way == Way::Trial },
        })
    }

    /// Claims the delivery and starts an attempt outside the stream. If the attempt does not start, the delivery is due
    /// again after the claim.
    async fn claim(
        &self,
        key: &DeliveryKey,
        mut record: DeliveryRecord,
        is_trial: bool,
        now: Timestamp,
    ) -> Result<(), InfraError> {
        let claimed_until = now + CLAIM;
        record.delivery.next_attempt_at = Some(claimed_until);
        match self.services.store.commit_delivery(key, &record, None).await {
            Ok(()) => {}
            // Another execution changed the delivery and attempts it if it is still due.
            Err(StoreError::Conflict) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let order = Order { delivery: WorkKey::Delivery(key.clone()).item().pk(), claimed_until, is_trial };
        let name = self.services.platform.config.function.as_deref();
        if let Err(error) = self.functions.start(name, &order).await {
            tracing::error!(tenant = %key.tenant(), delivery = %key.id, %error, "an attempt was not started");
            telemetry::record(Metric::RecordFailed, &[], 1.0, self.services.now());
        }
        Ok(())
    }

    /// Attempts the delivery, and stores the result for the channel and the delivery.
    async fn attempt(
        &self,
        key: &DeliveryKey,
        place: Place,
        delivery: &Delivery,
        is_trial: bool,
        patience: Duration,
    ) -> Result<(), InfraError> {
        let now = self.services.now();
        let channel: &Channel = match &place {
            Place::Channel(record) => &record.channel,
            Place::Address(_, channel) => channel,
        };
        let secrets = self.services.platform.secrets.current().await?;
        let (outcome, attempt) = self.sender.send(channel, delivery, &secrets, now, patience).await;
        if outcome != Outcome::Taken {
            telemetry::record(Metric::DeliveryFailed, &[], 1.0, self.services.now());
        }
        match place {
            Place::Channel(record) => self.judge(key, *record, outcome, is_trial).await?,
            Place::Address(address, _) => self.judge_address(address, outcome, is_trial),
        }
        self.take_up(key, outcome, &attempt).await
    }

    fn judge_address(&self, address: String, outcome: Outcome, is_trial: bool) {
        let now = self.services.now();
        self.addresses(|addresses| match outcome {
            Outcome::Failed { .. } => {
                if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&address) {
                    addresses.clear();
                }
                addresses.entry(address).or_default().failed(is_trial, now);
            }
            // The endpoint answered.
            Outcome::Taken | Outcome::Gone => drop(addresses.remove(&address)),
        });
    }

    fn addresses<T>(&self, see: impl FnOnce(&mut HashMap<String, Breaker>) -> T) -> T {
        see(&mut self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Postpones the delivery: its endpoint is not called until then.
    async fn put_off(&self, key: &DeliveryKey, until: Timestamp) -> Result<(), InfraError> {
        let (now, fraction) = (self.services.now(), self.services.entropy().fraction());
        self.write(key, |delivery| delivery.put_off(until, now, fraction)).await
    }

    /// Stores the result of an attempt.
    async fn take_up(&self, key: &DeliveryKey, outcome: Outcome, attempt: &Attempt) -> Result<(), InfraError> {
        let (now, fraction) = (self.services.now(), self.services.entropy().fraction());
        self.write(key, |delivery| {
            delivery.record(&outcome, attempt.clone(), now, fraction);
            if delivery.state == DeliveryState::Failed {
                tracing::warn!(tenant = %delivery.tenant, delivery = %delivery.id, "delivery failed for good");
            }
        })
        .await
    }

    async fn write(&self, key: &DeliveryKey, change: impl Fn(&mut Delivery)) -> Result<(), InfraError> {
        change_delivery(&self.services, key, key.id, change).await.map(|_| ())
    }

    /// Applies the result of the attempt to its channel, and retries after a lost race, so that concurrent failures all
    /// count. If this disables the channel, the tenant's other channels are notified first: a crash in between repeats
    /// the attempt, and the notices have the same ids.
    async fn judge(
        &self,
        key: &DeliveryKey,
        mut record: ChannelRecord,
        outcome: Outcome,
        is_trial: bool,
    ) -> Result<(), InfraError> {
        let now = self.services.now();
        let mut races = self.services.races();
        loop {
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
            match races.won(self.services.store.commit_channel(key, &record).await).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // The next attempt reports the failure again.
                Err(StoreError::Conflict) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            let Some(there) = self.services.store.channel(key, record.channel.id).await? else { return Ok(()) };
            record = there;
        }
    }

    async fn tell_others(&self, key: &DeliveryKey, disabled: &Channel, now: Timestamp) -> Result<(), InfraError> {
        let message = Message::of_disabled(disabled);
        let event = notice_id(disabled);
        for other in self.services.store.channels(key).await? {
            let other = other.channel;
            if other.id != disabled.id && other.wants(&message.event) {
                let delivery = Delivery::new(event, &other, message.clone(), now);
                self.services
                    .store
                    .create_delivery(key, &delivery, &new_token("notice", self.services.entropy()))
                    .await?;
            }
        }
        Ok(())
    }
}

/// The key of an address's breaker: tenant and origin.
fn address(tenant: &TenantId, url: &str) -> String {
    let origin = url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    format!("{tenant} {}", origin.as_deref().unwrap_or(url))
}

/// The id of the notice that a channel was disabled. It is derived from the channel's previous state: a repeated
/// attempt gives the same id, and a later disabling another id.
fn notice_id(channel: &Channel) -> Uuid {
    let reason = channel.disabled.as_ref().map(|disabled| disabled.reason.as_str()).unwrap_or_default();
    uuid_of(&["channel_disabled", &channel.id.to_string(), &channel.updated_at.to_string(), reason])
}

/// Changes a delivery and stores it; retries after a lost race. If the delivery is then due, it is attempted at once.
/// `None` if the delivery does not exist.
pub(super) async fn change_delivery(
    services: &Services,
    who: &impl Authority,
    id: Uuid,
    change: impl Fn(&mut Delivery),
) -> Result<Option<Delivery>, InfraError> {
    let mut races = services.races();
    loop {
        let now = services.now();
        let Some(mut record) = services.store.delivery(who, id, now).await? else { return Ok(None) };
        change(&mut record.delivery);
        let outbox_token = record.delivery.is_due(now).then(|| new_token("deliver", services.entropy()));
        if races.won(services.store.commit_delivery(who, &record, outbox_token.as_deref()).await).await? {
            return Ok(Some(record.delivery));
        }
    }
}

/// Removes all personal data from the deliveries about a process.
pub(super) async fn redact_deliveries(services: &Services, key: &OwnKey) -> Result<usize, InfraError> {
    let deliveries = services.store.deliveries_about(key, &key.id.to_string()).await?;
    for delivery in &deliveries {
        change_delivery(services, key, delivery.id, |delivery| delivery.message.redact()).await?;
    }
    Ok(deliveries.len())
}

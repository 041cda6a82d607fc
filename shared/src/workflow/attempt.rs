//! One attempt at a delivery: what came of it is written down, and with it when the next one is due. Where its endpoint is left
//! alone for having failed again and again, only the latter.
//!
//! Between sending and writing everything may stop; then the message goes out again, under the same id.

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

/// Addresses that belong to no channel, and fare badly, of which one execution environment knows.
const MAX_ADDRESSES: usize = 1000;
/// How long an order to attempt a delivery apart from the stream holds. One that was not carried out is due again then.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);

/// An attempt that is made apart from the stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    delivery: String,
    claimed_until: Timestamp,
    is_trial: bool,
}

/// Where a delivery goes.
enum Place {
    Channel(Box<ChannelRecord>),
    /// To an address that belongs to no channel, and what stands for one.
    Address(String, Box<Channel>),
}

/// The use case.
pub struct AttemptDelivery {
    services: Services,
    sender: Sender,
    functions: Functions,
    /// How addresses fare that belong to no channel. There is no item to keep it on, so each execution environment finds out for
    /// itself.
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

    /// Attempts the delivery `key`, if it is due. Two reads and one write, and one more where its channel's state changes. What
    /// failed before is only claimed here, by one write, and attempted by [`Self::run_apart`]: what is behind it in the stream
    /// must not wait for an endpoint that may hang.
    ///
    /// # Errors
    /// Our own store or secrets; the delivery is attempted again.
    pub async fn run(&self, key: &DeliveryKey) -> Result<(), InfraError> {
        let now = self.services.now();
        let record = self.services.store.delivery(key, key.id, now).await?;
        let Some(record) = record.filter(|record| record.delivery.is_due(now)) else { return Ok(()) };
        let Some(place) = self.place(key, &record.delivery, now).await? else { return Ok(()) };
        let (place, is_trial) = match self.way(key, place, now).await? {
            Permission::Granted { place, is_trial } => (place, is_trial),
            Permission::NotBefore(until) => return self.put_off(key, until).await,
        };
        // Of an address only this execution environment knows, so the trial is made here.
        let is_apart = if is_trial { matches!(place, Place::Channel(_)) } else { record.delivery.failed > 0 };
        if is_apart {
            return self.claim(key, record, is_trial, now).await;
        }
        self.attempt(key, place, &record.delivery, is_trial, FIRST_TIMEOUT).await
    }

    /// Attempts what was ordered, unless it was changed since.
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

    /// Where the delivery goes; `None` where that is nowhere, which is then written down.
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

    /// Whether the place may be called.
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
                        // Another delivery tries.
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

    /// Has the delivery attempted apart from the stream. Where that is not begun, it is due again when the claim is over.
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
            // Whoever changed it has it attempted where it is still due.
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

    /// Attempts the delivery, and writes down what came of it for its place and itself.
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
            // It answered.
            Outcome::Taken | Outcome::Gone => drop(addresses.remove(&address)),
        });
    }

    fn addresses<T>(&self, see: impl FnOnce(&mut HashMap<String, Breaker>) -> T) -> T {
        see(&mut self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nobody calls now: its endpoint is left alone until then.
    async fn put_off(&self, key: &DeliveryKey, until: Timestamp) -> Result<(), InfraError> {
        let (now, fraction) = (self.services.now(), self.services.entropy().fraction());
        self.write(key, |delivery| delivery.put_off(until, now, fraction)).await
    }

    /// Writes down what came of an attempt.
    async fn take_up(&self, key: &DeliveryKey, outcome: Outcome, attempt: &Attempt) -> Result<(), InfraError> {
        let (now, fraction) = (self.services.now(), self.services.entropy().fraction());
        self.write(key, |delivery| {
            delivery.record(&outcome, attempt.clone(), now, fraction);
            if delivery.state == DeliveryState::Failed {
                tracing::warn!(tenant = %delivery.tenant, delivery = %delivery.id, "delivery given up");
            }
        })
        .await
    }

    async fn write(&self, key: &DeliveryKey, change: impl Fn(&mut Delivery)) -> Result<(), InfraError> {
        change_delivery(&self.services, key, key.id, change).await.map(|_| ())
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
                // The next attempt says it again.
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

/// Removes everything about the person from what was and will be told about a process.
pub(super) async fn redact_deliveries(services: &Services, key: &OwnKey) -> Result<usize, InfraError> {
    let deliveries = services.store.deliveries_about(key, &key.id.to_string()).await?;
    for delivery in &deliveries {
        change_delivery(services, key, delivery.id, |delivery| delivery.message.redact()).await?;
    }
    Ok(deliveries.len())
}

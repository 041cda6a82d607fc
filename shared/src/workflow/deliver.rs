//! Turning events into deliveries: each event becomes one delivery for each subscribed channel, and then leaves the
//! outbox.
//!
//! A delivery's id is derived from the ids of the event and the channel, so a repeat after a crash changes nothing.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::{InfraError, Services, new_token};
use crate::{
    common::{Authority, Private},
    deployment::Deployment,
    notify::{Delivery, Message},
    people::{
        Kind,
        families::{
            self, PEOPLE,
            person::full_name,
            temporary::{self, CALLBACK_URL},
        },
    },
    store::{
        StoreError,
        keys::{OwnKey, RecordKey},
        records::RecordItem,
    },
};

/// How many deliveries of one process are written concurrently.
const AT_ONCE: usize = 8;

pub struct DeliverNotifications(Services);

impl DeliverNotifications {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Turns the events in the outbox of `key` into deliveries, and returns the number of events. Two reads, one write
    /// for each delivery and one for the outbox.
    ///
    /// # Errors
    /// The store fails; the events stay in the outbox.
    pub async fn run(&self, key: &OwnKey) -> Result<usize, InfraError> {
        let mut races = self.0.races();
        loop {
            let Some(record) = self.0.store.load(key, key.id).await? else { return Ok(0) };
            if record.outbox.is_empty() {
                return Ok(0);
            }
            let process = &record.process;
            let told = record.outbox.values().map(|event| (event.id, Message::of_process(process, event))).collect();
            self.hand_on(key, told, Some(process.request.person.name.clone())).await?;
            if races.won(self.0.store.close_outbox(key, &record).await).await? {
                return Ok(record.outbox.len());
            }
        }
    }

    /// As [`Self::run`], for a record of the registry. One more read if the record belongs to a person, which goes into
    /// the message.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_record(&self, key: &RecordKey) -> Result<usize, InfraError> {
        let (store, mut races) = (&self.0.store, self.0.races());
        loop {
            let Some(item) = store.record(key, key.kind, key.id).await? else { return Ok(0) };
            if item.outbox.is_empty() {
                return Ok(0);
            }
            let (record, now) = (&item.record, self.0.now());
            let mut payload = families::of(record.kind).view(record, now);
            let person = match record.owner {
                Some(owner) => store.record(key, Kind::Person, owner).await?.map(|item| item.record),
                None => None,
            };
            if let Some(person) = &person {
                payload.show("person", &PEOPLE.view(person, now));
            }
            let named = person.as_ref().or(Some(record).filter(|record| record.kind == Kind::Person));
            let told = item.outbox.values().map(|event| (event.id, Message::of_record(record, event, &payload)));
            let told: Vec<_> = told.collect();
            self.call_back(key, &item).await?;
            self.hand_on(key, told, named.map(full_name)).await?;
            if races.won(store.close_record_outbox(key, &item).await).await? {
                return Ok(item.outbox.len());
            }
        }
    }

    /// Creates a delivery of every event for the record's own callback URL, if it has one.
    async fn call_back(&self, key: &RecordKey, item: &RecordItem) -> Result<(), InfraError> {
        let (record, now) = (&item.record, self.0.now());
        let Some(url) = record.value::<String>(CALLBACK_URL) else { return Ok(()) };
        for event in item.outbox.values() {
            let message = Message::of_record(record, event, &temporary::outcome(record));
            self.put(key, Delivery::to_url(event.id, record, url.clone().into(), message, now)).await?;
        }
        Ok(())
    }

    /// Creates a delivery of every message for every subscribed channel. `name` is the person's name, for channels that
    /// include it.
    async fn hand_on(
        &self,
        who: &impl Authority,
        told: Vec<(Uuid, Message)>,
        name: Option<Private<String>>,
    ) -> Result<(), StoreError> {
        let (channels, now) = (self.0.store.channels(who).await?, self.0.now());
        let mut deliveries = Vec::new();
        for (event, message) in &told {
            let subscribed =
                channels.iter().map(|record| &record.channel).filter(|channel| channel.wants(&message.event));
            deliveries.extend(subscribed.map(|channel| {
                let message = message.clone().naming(name.clone().filter(|_| channel.with_names()));
                Delivery::new(*event, channel, message, now)
            }));
        }
        let put = |delivery: Delivery| async move { self.put(who, delivery).await };
        stream::iter(deliveries).map(put).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Stores a delivery. If the table can never accept it, it is stored as failed with the reason, and its message is
    /// reduced to ids.
    async fn put(&self, who: &impl Authority, mut delivery: Delivery) -> Result<(), StoreError> {
        let put = self.0.store.create_delivery(who, &delivery, &new_token("deliver", self.0.entropy())).await;
        let reason = match put {
            Err(StoreError::TooLarge) => "payload_too_large",
            Err(StoreError::Corrupt(_)) => "payload_unusable",
            put => return put,
        };
        tracing::error!(tenant = %delivery.tenant, delivery = %delivery.id, reason, "delivery failed for good");
        delivery.message.redact();
        delivery.give_up(reason, self.0.now());
        self.0.store.create_delivery(who, &delivery, &new_token("deliver", self.0.entropy())).await
    }
}

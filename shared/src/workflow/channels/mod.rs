//! A tenant's notification channels: create, read, update, and rotate a webhook's secret.

mod config;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use config::{Wanted, missing};

use super::Services;
use crate::{
    common::{Authority as _, Caller, ids::of_idempotency_key, shape::shape},
    deployment::Deployment,
    notify::{
        Channel, Config,
        channel::{DERIVED_FIELDS, MAX_SECRETS},
    },
    platform::{
        SecretsError,
        secrets::{Fingerprint, SecretDocument},
    },
    store::channels::ChannelRecord,
    workflow::Error,
};

/// The maximum number of channels of one tenant.
const MAX_CHANNELS: usize = 50;
/// How long a replaced secret still signs, in hours: the default and the maximum.
const PREVIOUS_VALID_HOURS: (i64, i64) = (24, 168);
/// The scope of idempotency keys of creations.
const ROUTE: &str = "POST /notification-channels";

#[derive(Deserialize)]
struct Rotation {
    previous_valid_hours: Option<i64>,
    secret: Option<SecretString>,
}

/// A channel, and its secret if this answer shows it.
#[derive(Debug)]
pub struct ChannelWithSecret {
    pub channel: Channel,
    /// The secret that signs its webhooks.
    pub secret: Option<SecretString>,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

impl From<Channel> for ChannelWithSecret {
    fn from(channel: Channel) -> Self {
        Self { channel, secret: None, replayed: false }
    }
}

pub struct Channels(Services);

impl Channels {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Creates the channel in `body`. One read and one write. Only this answer, and its replay under the same `key`,
    /// shows the secret.
    ///
    /// # Errors
    /// `Invalid` with every wrong field; `KeyReused` if the key was used with another body.
    pub async fn create(&self, caller: &Caller, body: &Value, key: Option<&str>) -> Result<ChannelWithSecret, Error> {
        let now = self.0.now();
        let secrets = self.0.platform.secrets.current().await?;
        let fingerprint = Fingerprint::of_body(body, &secrets.fingerprint_keys)?;
        let id = match key {
            Some(key) => of_idempotency_key(caller.tenant(), ROUTE, key),
            None => self.0.entropy().uuid(),
        };
        let wanted: Wanted = shape(body, "")?;
        let mut channel = Channel {
            id,
            tenant: caller.tenant().clone(),
            name: String::new(),
            active: true,
            events: BTreeSet::new(),
            config: Config::Email { emails: Vec::new(), with_names: false },
            created_at: now,
            updated_at: now,
            trouble: None,
            disabled: None,
        };
        let mut problems = missing(&wanted);
        problems.extend(self.change(&mut channel, &wanted, &secrets, true)?);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let others = self.0.store.channels(caller).await?;
        if others.len() >= MAX_CHANNELS && others.iter().all(|other| other.channel.id != id) {
            return Err(Error::invalid_field(
                "name",
                "cannot be created: the tenant already has 50 channels, which is the maximum",
            ));
        }
        let record = ChannelRecord { channel, version: 0, fingerprint: fingerprint.kept() };
        if self.0.store.create_channel(caller, &record).await? {
            tracing::info!(tenant = %caller.tenant(), channel = %id, key = caller.key_id(), "channel created");
            return Ok(ChannelWithSecret {
                secret: newest(&record.channel, &secrets, now)?,
                channel: record.channel,
                replayed: false,
            });
        }
        let existing = self.load(caller, id).await?;
        if !fingerprint.is(&existing.fingerprint) {
            return Err(Error::KeyReused);
        }
        Ok(ChannelWithSecret {
            secret: newest(&existing.channel, &secrets, now)?,
            channel: existing.channel,
            replayed: true,
        })
    }

    /// Every channel of the caller's tenant. One request.
    ///
    /// # Errors
    /// `Unavailable` if the store fails.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Channel>, Error> {
        Ok(self.0.store.channels(caller).await?.into_iter().map(|record| record.channel).collect())
    }

    /// One channel. One request.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such channel.
    pub async fn get(&self, caller: &Caller, id: Uuid) -> Result<Channel, Error> {
        Ok(self.load(caller, id).await?.channel)
    }

    /// Changes the fields in `body`, which may be the channel as an answer showed it: a placeholder for a secret keeps
    /// the secret. One read, and one write if anything changes.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::get`]; `Invalid` with every wrong field.
    pub async fn update(&self, caller: &Caller, id: Uuid, body: &Value) -> Result<ChannelWithSecret, Error> {
        let secrets = self.0.platform.secrets.current().await?;
        let body = &brought(id, body)?;
        let wanted: Wanted = shape(body, "")?;
        self.store(caller, id, |channel, now| {
            let signed_before = matches!(channel.config, Config::Webhook { .. });
            let problems = self.change(channel, &wanted, &secrets, false)?;
            if !problems.is_empty() {
                return Err(Error::Invalid(problems));
            }
            // A channel that becomes a webhook gets its secret now, so this answer shows it.
            if signed_before { Ok(None) } else { Ok(newest(channel, &secrets, now)?) }
        })
        .await
    }

    /// Replaces the secret of a webhook; the previous secret still signs for a limited time. One read and one write.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::get`]; `Invalid` if the channel is not a webhook.
    pub async fn rotate(&self, caller: &Caller, id: Uuid, body: &Value) -> Result<ChannelWithSecret, Error> {
        let secrets = self.0.platform.secrets.current().await?;
        let wanted: Rotation = shape(body, "")?;
        let (default, most) = PREVIOUS_VALID_HOURS;
        let hours = wanted.previous_valid_hours.unwrap_or(default);
        if !(0..=most).contains(&hours) {
            return Err(Error::invalid_field("previous_valid_hours", "must be from 0 to 168"));
        }
        let secret = self.secret(wanted.secret.as_ref(), "secret")?;
        self.store(caller, id, |channel, now| {
            let owner = channel.seal_owner();
            let Config::Webhook { secrets: signing, .. } = &mut channel.config else {
                return Err(Error::invalid_field("type", "must be webhook: other channels are not signed"));
            };
            let end = now + SignedDuration::from_hours(hours);
            for previous in signing.iter_mut() {
                previous.until = Some(previous.until.map_or(end, |until| until.min(end)));
            }
            signing.retain(|previous| previous.until.is_none_or(|until| until > now));
            signing.insert(0, self.signing_secret(&secret, &owner, &secrets)?);
            signing.truncate(MAX_SECRETS);
            Ok(Some(secret.clone()))
        })
        .await
    }

    async fn load(&self, caller: &Caller, id: Uuid) -> Result<ChannelRecord, Error> {
        let record = self.0.store.channel(caller, id).await?;
        record.ok_or(Error::NotFound("notification channel"))
    }

    /// Loads a channel, changes it and stores it; retries after a lost race. `change` returns the secret to show.
    async fn store(
        &self,
        caller: &Caller,
        id: Uuid,
        change: impl Fn(&mut Channel, Timestamp) -> Result<Option<SecretString>, Error>,
    ) -> Result<ChannelWithSecret, Error> {
        let mut races = self.0.races();
        loop {
            let mut record = self.load(caller, id).await?;
            let now = self.0.now();
            let before = record.channel.clone();
            let secret = change(&mut record.channel, now)?;
            if record.channel == before {
                return Ok(before.into());
            }
            record.channel.updated_at = now;
            if races.won(self.0.store.commit_channel(caller, &record).await).await? {
                tracing::info!(tenant = %caller.tenant(), channel = %id, key = caller.key_id(), "channel changed");
                return Ok(ChannelWithSecret { secret, ..record.channel.into() });
            }
        }
    }
}

/// The fields in `body` without those that only answers show.
fn brought(id: Uuid, body: &Value) -> Result<Value, Error> {
    let mut body = body.clone();
    let Some(fields) = body.as_object_mut() else { return Ok(body) };
    let named = fields.remove("id");
    if named.is_some_and(|named| named.as_str().and_then(|named| named.parse().ok()) != Some(id)) {
        return Err(Error::invalid_field("id", "cannot be set"));
    }
    fields.retain(|name, _| !DERIVED_FIELDS.contains(&name.as_str()));
    Ok(body)
}

/// The secret that signs from now on.
fn newest(channel: &Channel, secrets: &SecretDocument, now: Timestamp) -> Result<Option<SecretString>, SecretsError> {
    Ok(channel.signing_secrets(secrets, now)?.into_iter().next())
}

//! Keeping a tenant's notification channels: make, show, change, and give a webhook another secret.

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

/// Channels that one tenant may have.
const MAX_CHANNELS: usize = 50;
/// How long a secret that was replaced goes on signing where nothing else is said, and at most, in hours.
const PREVIOUS_VALID_HOURS: (i64, i64) = (24, 168);
/// What idempotency keys of creations belong to.
const ROUTE: &str = "POST /notification-channels";

#[derive(Deserialize)]
struct Rotation {
    previous_valid_hours: Option<i64>,
    secret: Option<SecretString>,
}

/// A channel, and its secret where this answer is the one to show it.
#[derive(Debug)]
pub struct ChannelWithSecret {
    /// The channel.
    pub channel: Channel,
    /// What signs its webhooks.
    pub secret: Option<SecretString>,
    /// Whether an earlier request made it.
    pub replayed: bool,
}

impl From<Channel> for ChannelWithSecret {
    fn from(channel: Channel) -> Self {
        Self { channel, secret: None, replayed: false }
    }
}

/// The use case.
pub struct Channels(Services);

impl Channels {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Makes the channel that `body` asks for. One read and one write. Only this answer, and its replay under the same
    /// `key`, shows the secret.
    ///
    /// # Errors
    /// 422 with every wrong field, or where the key was used with another body.
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
            return Err(Error::invalid_field("name", "there are 50 channels already, which is the most"));
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
    /// Our own store.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Channel>, Error> {
        Ok(self.0.store.channels(caller).await?.into_iter().map(|record| record.channel).collect())
    }

    /// One channel. One request.
    ///
    /// # Errors
    /// 404 where the caller's tenant has no such channel.
    pub async fn get(&self, caller: &Caller, id: Uuid) -> Result<Channel, Error> {
        Ok(self.load(caller, id).await?.channel)
    }

    /// Changes what `body` names, which may be the channel as it was shown: what stands for a secret there keeps it. One read, and one
    /// write where anything changes.
    ///
    /// # Errors
    /// 404 likewise, 422 with every wrong field.
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
            // A channel that becomes a webhook gets its secret now, so now is when it is shown.
            if signed_before { Ok(None) } else { Ok(newest(channel, &secrets, now)?) }
        })
        .await
    }

    /// Gives a webhook another secret; the previous one goes on signing beside it for a while. One read and one write.
    ///
    /// # Errors
    /// 404 likewise, 422 where it is no webhook.
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
                return Err(Error::invalid_field("type", "must be webhook: nothing else is signed"));
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

    /// Loads a channel, changes it and stores it; anew for a lost race. `change` gives the secret to show.
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

/// What `body` brings for the channel `id` beyond what answers show and nobody sets.
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

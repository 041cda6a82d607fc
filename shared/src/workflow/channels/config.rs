//! Reads the request for a channel and validates its configuration.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Channels, newest};
use crate::{
    common::{FieldError, shape::shape, values::email::public_address},
    notify::{
        Channel, Config, Topic,
        channel::{MAX_EMAILS, MAX_NAME_CHARS, SigningSecret, seal_owner},
        seal::Sealed,
        signature, slack,
    },
    platform::{SecretsError, http::UrlGuard, secrets::SecretDocument},
    workflow::Error,
};

/// The body of `POST` and `PUT`; a `PUT` keeps every field that is not in the body.
#[derive(Deserialize)]
pub(super) struct Wanted {
    name: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    active: Option<bool>,
    events: Option<Vec<String>>,
    config: Option<Value>,
}

#[derive(Deserialize)]
struct WebhookConfig {
    url: String,
    secret: Option<SecretString>,
    /// Secrets as answers show them. A client may send them back but cannot set them.
    secrets: Option<Vec<ShownSecret>>,
}

#[derive(Deserialize)]
struct ShownSecret {
    #[serde(rename = "hint")]
    _hint: String,
    #[serde(rename = "valid_until")]
    _valid_until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SlackConfig {
    url: String,
    #[serde(default)]
    with_names: bool,
}

#[derive(Deserialize)]
struct EmailConfig {
    emails: Vec<String>,
    #[serde(default)]
    with_names: bool,
}

/// The errors for required fields that a new channel lacks.
pub(super) fn missing(wanted: &Wanted) -> Vec<FieldError> {
    let fields = [
        ("name", wanted.name.is_none()),
        ("type", wanted.kind.is_none()),
        ("active", wanted.active.is_none()),
        ("events", wanted.events.is_none()),
        ("config", wanted.config.is_none()),
    ];
    fields.into_iter().filter(|(_, missing)| *missing).map(|(field, _)| FieldError::new(field, "is required")).collect()
}

impl Channels {
    /// Applies every valid field to `channel`, and returns the errors of the others.
    pub(super) fn change(
        &self,
        channel: &mut Channel,
        wanted: &Wanted,
        secrets: &SecretDocument,
        new: bool,
    ) -> Result<Vec<FieldError>, Error> {
        let mut problems = Vec::new();
        if let Some(name) = &wanted.name {
            if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS {
                problems.push(FieldError::new("name", "must have 1 to 200 characters"));
            }
            channel.name.clone_from(name);
        }
        if let Some(active) = wanted.active.filter(|active| new || *active != channel.active) {
            channel.set_active(active);
        }
        if let Some(names) = &wanted.events {
            let topics: Result<BTreeSet<Topic>, _> = names.iter().map(|name| name.parse()).collect();
            match topics {
                Ok(topics) if topics.len() == names.len() && !topics.is_empty() => channel.events = topics,
                Ok(_) => problems.push(FieldError::new("events", "must name at least one event, each only once")),
                Err(_) => problems.push(FieldError::new("events", "must be names of events")),
            }
        }
        let present = match channel.config {
            _ if new => None,
            Config::Webhook { .. } => Some("webhook"),
            Config::Slack { .. } => Some("slack"),
            Config::Email { .. } => Some("email"),
        };
        let kind = wanted.kind.as_deref().or(present);
        match (&wanted.config, kind) {
            (Some(config), Some(kind)) => match self.config(kind, config, channel, secrets) {
                Ok(config) if config == channel.config => {}
                Ok(config) => {
                    channel.config = config;
                    // The recorded failures belong to the old configuration.
                    channel.trouble = None;
                }
                Err(Error::Invalid(wrong)) => problems.extend(wrong),
                Err(error) => return Err(error),
            },
            (None, Some(kind)) if present.is_some_and(|present| present != kind) => {
                problems.push(FieldError::new("config", "is required if the type changes"));
            }
            _ => {}
        }
        Ok(problems)
    }

    /// The configuration in `value`.
    fn config(&self, kind: &str, value: &Value, channel: &Channel, secrets: &SecretDocument) -> Result<Config, Error> {
        match kind {
            "webhook" => self.webhook(value, channel, secrets),
            "slack" => self.slack(value, channel, secrets),
            "email" => self.email(value),
            _ => Err(Error::invalid_field("type", "must be webhook, slack or email")),
        }
    }

    fn webhook(&self, value: &Value, channel: &Channel, secrets: &SecretDocument) -> Result<Config, Error> {
        let config: WebhookConfig = shape(value, "config")?;
        let guard = UrlGuard::any_public_host(self.0.platform.config.allow_loopback);
        let url = registered(guard, &config.url)?;
        if config.secrets.is_some() && !matches!(channel.config, Config::Webhook { .. }) {
            return Err(Error::invalid_field(
                "config.secrets",
                "cannot be set here: use config.secret for your own secret",
            ));
        }
        let present = newest(channel, secrets, self.0.now()).ok().flatten();
        let is_present = |secret: &SecretString| {
            present.as_ref().is_some_and(|present| present.expose_secret() == secret.expose_secret())
        };
        let signing = match (&channel.config, config.secret) {
            (Config::Webhook { secrets, .. }, None) => secrets.clone(),
            (Config::Webhook { secrets, .. }, Some(secret)) if is_present(&secret) => secrets.clone(),
            (_, secret) => {
                let secret = self.secret(secret.as_ref(), "config.secret")?;
                let owner = seal_owner(&channel.tenant, channel.id);
                vec![self.signing_secret(&secret, &owner, secrets)?]
            }
        };
        Ok(Config::Webhook { url, secrets: signing })
    }

    fn slack(&self, value: &Value, channel: &Channel, secrets: &SecretDocument) -> Result<Config, Error> {
        let config: SlackConfig = shape(value, "config")?;
        let url = match &channel.config {
            Config::Slack { url, .. } if slack::is_shown(&config.url) => url.clone(),
            _ if slack::is_shown(&config.url) => {
                return Err(Error::invalid_field(
                    "config.url",
                    "is the placeholder that answers show instead of the URL",
                ));
            }
            _ => {
                let url = registered(slack::guard(self.0.platform.config.allow_loopback), &config.url)?;
                let owner = seal_owner(&channel.tenant, channel.id);
                Sealed::new(&url.into(), &owner, secrets, self.0.entropy())?
            }
        };
        Ok(Config::Slack { url, with_names: config.with_names })
    }

    fn email(&self, value: &Value) -> Result<Config, Error> {
        let config: EmailConfig = shape(value, "config")?;
        if self.0.platform.config.mail_from.is_none() {
            return Err(Error::invalid_field("type", "email is not set up in this deployment"));
        }
        let emails: Option<Vec<_>> = config.emails.iter().map(|email| public_address(email)).collect();
        let emails = emails.filter(|emails| (1..=MAX_EMAILS).contains(&emails.len()));
        let emails = emails.ok_or_else(|| Error::invalid_field("config.emails", "must be 1 to 20 e-mail addresses"))?;
        Ok(Config::Email { emails: emails.into_iter().map(Into::into).collect(), with_names: config.with_names })
    }

    /// The secret in the request, or a new one.
    pub(super) fn secret(&self, brought: Option<&SecretString>, field: &str) -> Result<SecretString, FieldError> {
        match brought {
            None => Ok(signature::new_secret(self.0.entropy())),
            Some(secret) if signature::is_secret(secret.expose_secret()) => Ok(secret.clone()),
            Some(_) => Err(FieldError::new(field, "must be whsec_ followed by the base64 of 24 to 64 bytes")),
        }
    }

    pub(super) fn signing_secret(
        &self,
        secret: &SecretString,
        owner: &str,
        secrets: &SecretDocument,
    ) -> Result<SigningSecret, SecretsError> {
        let text = secret.expose_secret();
        let hint = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        Ok(SigningSecret { sealed: Sealed::new(secret, owner, secrets, self.0.entropy())?, hint, until: None })
    }
}

/// The URL in its stored form.
fn registered(guard: UrlGuard, url: &str) -> Result<String, FieldError> {
    let url = guard.register(url);
    url.map(String::from).map_err(|refused| FieldError::new("config.url", format!("cannot be used: {refused}")))
}

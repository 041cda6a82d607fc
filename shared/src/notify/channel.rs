//! Channels: where a tenant wants to be notified (seed `002_62dc5acb5b5aea27`), and the trouble of one that fails.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Breaker, Topic, Way, seal::Sealed};
use crate::{
    common::{Private, TenantId},
    platform::{SecretsError, secrets::SecretDocument},
};

/// What a channel shows and nobody sets, beside its id. A request that sends it back has no effect.
pub const DERIVED_FIELDS: [&str; 6] =
    ["failing_since", "resting_until", "disabled_at", "disabled_reason", "created_at", "updated_at"];

/// A channel that failed for so long without a success is disabled.
pub const TIMEOUT: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Failures further apart than this are separate trouble: nothing was sent in between.
const SAME_TROUBLE: SignedDuration = SignedDuration::from_hours(36);

/// Characters of a channel's name.
pub const MAX_NAME_CHARS: usize = 200;
/// Addresses of one channel.
pub const MAX_EMAILS: usize = 20;
/// Secrets of one webhook that sign at the same time.
pub const MAX_SECRETS: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub id: Uuid,
    pub tenant: TenantId,
    pub name: String,
    /// Whether anything is sent.
    pub active: bool,
    /// What it subscribes to.
    pub events: BTreeSet<Topic>,
    /// Where things go.
    pub config: Config,
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
    /// Set while it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Set where we disabled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// Where messages go, by the type of channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Config {
    /// An HTTP endpoint of the customer.
    Webhook {
        url: String,
        /// The signing secrets, the newest first.
        secrets: Vec<SigningSecret>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// The URL alone allows to post, so it is sealed.
        url: Sealed,
        /// Whether texts contain the person's name.
        with_names: bool,
    },
    /// Messages by e-mail.
    Email {
        emails: Vec<Private<String>>,
        /// Whether texts contain the person's name.
        with_names: bool,
    },
}

/// A secret that signs webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    pub sealed: Sealed,
    /// Its last characters, to recognize it.
    pub hint: String,
    /// Until when it signs; `None` for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// The trouble of a failing channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The first failure without a success since.
    pub since: Timestamp,
    /// The last recorded failure.
    pub noted_at: Timestamp,
    #[serde(default)]
    pub breaker: Breaker,
}

/// Why and when we disabled a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    /// Why: `gone` or `failing`.
    pub reason: String,
}

/// What an attempt changed in its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing worth a write.
    None,
    /// Its trouble.
    Noted,
    /// It is disabled from now on.
    Disabled,
}

impl Channel {
    /// A stand-in for a channel, for a record with its own callback URL: nothing subscribes and nothing signs.
    #[must_use]
    pub fn of_url(about: Uuid, tenant: &TenantId, url: String, at: Timestamp) -> Self {
        Self {
            id: about,
            tenant: tenant.clone(),
            name: String::new(),
            active: true,
            events: BTreeSet::new(),
            config: Config::Webhook { url, secrets: Vec::new() },
            created_at: at,
            updated_at: at,
            trouble: None,
            disabled: None,
        }
    }

    /// Whether it subscribes to `topic`.
    #[must_use]
    pub fn wants(&self, topic: &str) -> bool {
        self.active && topic.parse::<Topic>().is_ok_and(|topic| self.events.contains(&topic))
    }

    /// Whether its texts contain names.
    #[must_use]
    pub fn with_names(&self) -> bool {
        matches!(self.config, Config::Slack { with_names: true, .. } | Config::Email { with_names: true, .. })
    }

    /// The owner of its sealed secrets.
    #[must_use]
    pub fn seal_owner(&self) -> String {
        seal_owner(&self.tenant, self.id)
    }

    /// The secrets that sign at `now`; none where it is no webhook. A replaced secret is skipped where it cannot be
    /// decrypted.
    ///
    /// # Errors
    /// The current secret cannot be decrypted.
    pub fn signing_secrets(&self, secrets: &SecretDocument, now: Timestamp) -> Result<Vec<SecretString>, SecretsError> {
        let Config::Webhook { secrets: signing, .. } = &self.config else { return Ok(Vec::new()) };
        let owner = self.seal_owner();
        let valid = signing.iter().filter(|secret| secret.until.is_none_or(|until| until > now));
        let opened = valid.map(|secret| (secret.until.is_some(), secret.sealed.open(&owner, secrets)));
        opened.filter(|(was_replaced, opened)| !was_replaced || opened.is_ok()).map(|(_, opened)| opened).collect()
    }

    /// What to do with a delivery to it at `now`.
    #[must_use]
    pub fn way(&self, now: Timestamp) -> Way {
        self.trouble.map_or(Way::Open, |trouble| trouble.breaker.way(now))
    }

    /// Starts a trial at `now`. Returns until when the others wait for it.
    pub fn try_out(&mut self, now: Timestamp) -> Timestamp {
        self.trouble.as_mut().map_or(now, |trouble| trouble.breaker.try_out(now))
    }

    /// Records a successful attempt.
    pub fn succeeded(&mut self) -> Change {
        if self.trouble.take().is_some() { Change::Noted } else { Change::None }
    }

    /// Records an attempt that failed at `now`. `gone`: the endpoint wants no more messages. `is_trial`: it was the
    /// breaker's trial.
    pub fn failed(&mut self, gone: bool, is_trial: bool, now: Timestamp) -> Change {
        if !self.active {
            return Change::None;
        }
        if gone {
            return self.disable("gone", now);
        }
        match &mut self.trouble {
            Some(trouble) if now.duration_since(trouble.noted_at) <= SAME_TROUBLE => {
                if now.duration_since(trouble.since) >= TIMEOUT {
                    return self.disable("failing", now);
                }
                if !trouble.breaker.failed(is_trial, now) {
                    return Change::None;
                }
                trouble.noted_at = now;
            }
            other => {
                let mut breaker = Breaker::default();
                breaker.failed(is_trial, now);
                *other = Some(Trouble { since: now, noted_at: now, breaker });
            }
        }
        Change::Noted
    }

    /// Switches it on or off. Switching on forgets old trouble.
    pub fn set_active(&mut self, active: bool) {
        self.active = active;
        if active {
            self.trouble = None;
            self.disabled = None;
        }
    }

    fn disable(&mut self, reason: &str, now: Timestamp) -> Change {
        self.active = false;
        self.trouble = None;
        self.disabled = Some(Disabled { at: now, reason: reason.to_owned() });
        Change::Disabled
    }
}

/// The owner of a channel's sealed secrets.
#[must_use]
pub fn seal_owner(tenant: &TenantId, channel: Uuid) -> String {
    format!("{tenant}/channel/{channel}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn channel() -> Channel {
        Channel {
            id: Uuid::nil(),
            tenant: "acme".parse().unwrap(),
            name: "n".to_owned(),
            active: true,
            events: BTreeSet::from(["process_approved".parse().unwrap()]),
            config: Config::Email { emails: Vec::new(), with_names: false },
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            trouble: None,
            disabled: None,
        }
    }

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap()
    }

    #[test]
    fn five_days_of_failures_disable_a_channel() {
        let mut channel = channel();
        for at in (0..120).step_by(12) {
            assert_ne!(channel.failed(false, false, hour(at)), Change::Disabled, "hour {at}");
        }
        assert_eq!(channel.failed(false, false, hour(120)), Change::Disabled);
        assert!(!channel.active && !channel.wants("process_approved"));
        assert_eq!(channel.failed(false, false, hour(121)), Change::None, "it is told once");
    }

    #[test]
    fn a_success_ends_the_trouble_and_quiet_weeks_are_none() {
        let mut channel = channel();
        channel.failed(false, false, hour(0));
        assert_eq!(channel.succeeded(), Change::Noted);
        assert_eq!(channel.succeeded(), Change::None);
        channel.failed(false, false, hour(1));
        assert_eq!(channel.failed(false, false, hour(1000)), Change::Noted);
        assert_eq!(channel.trouble.unwrap().since, hour(1000));
    }

    #[test]
    fn failures_of_what_was_under_way_together_are_not_all_noted() {
        let mut channel = channel();
        let noted = (0..20).filter(|_| channel.failed(false, false, hour(0)) == Change::Noted).count();
        assert_eq!(noted, 5);
        assert!(matches!(channel.way(hour(0)), Way::Closed(_)));
        channel.set_active(true);
        assert_eq!(channel.way(hour(0)), Way::Open);
    }

    #[test]
    fn a_gone_endpoint_is_called_only_after_reactivation() {
        let mut channel = channel();
        assert_eq!(channel.failed(true, false, hour(0)), Change::Disabled);
        channel.set_active(true);
        assert_eq!((channel.active, channel.disabled), (true, None));
    }
}

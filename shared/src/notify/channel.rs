//! Channels: where a tenant wants to be told (seed `002_62dc5acb5b5aea27`), and what is wrong with one that fails.

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

/// What a channel shows and nobody sets, beside its id: where it comes back it counts for nothing.
pub const DERIVED_FIELDS: [&str; 6] =
    ["failing_since", "resting_until", "disabled_at", "disabled_reason", "created_at", "updated_at"];

/// A channel that failed for so long without a success is disabled.
pub const TIMEOUT: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Failures further apart than this are not the same trouble: nobody asked in between.
const SAME_TROUBLE: SignedDuration = SignedDuration::from_hours(36);

/// Characters of a channel's name.
pub const MAX_NAME_CHARS: usize = 200;
/// Addresses of one channel.
pub const MAX_EMAILS: usize = 20;
/// Secrets of one webhook that sign at the same time.
pub const MAX_SECRETS: usize = 5;

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// Whether anything is sent.
    pub active: bool,
    /// What it subscribes to.
    pub events: BTreeSet<Topic>,
    /// Where things go.
    pub config: Config,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner changed it last.
    pub updated_at: Timestamp,
    /// Since when it fails, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Why and when we disabled it, if we did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// Where things go, by the type of channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Config {
    /// An HTTP endpoint of the customer's.
    Webhook {
        /// Where to post.
        url: String,
        /// What signs, the newest first.
        secrets: Vec<SigningSecret>,
    },
    /// An incoming webhook of Slack's.
    Slack {
        /// Its URL, which is all that is needed to post.
        url: Sealed,
        /// Whether texts carry the person's name.
        with_names: bool,
    },
    /// Messages by e-mail.
    Email {
        /// To whom.
        emails: Vec<Private<String>>,
        /// Whether texts carry the person's name.
        with_names: bool,
    },
}

/// A secret that signs webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The secret.
    pub sealed: Sealed,
    /// Its last characters, to tell it from another.
    pub hint: String,
    /// Until when it signs; `None` for the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A channel that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The first failure without a success since.
    pub since: Timestamp,
    /// The last failure that was noted.
    pub noted_at: Timestamp,
    /// Whether it is left alone for a while.
    #[serde(default)]
    pub breaker: Breaker,
}

/// That we disabled a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When.
    pub at: Timestamp,
    /// Why: `gone` or `failing`.
    pub reason: String,
}

/// What an attempt changed about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing worth a write.
    None,
    /// What is known of its trouble.
    Noted,
    /// It is disabled from now on.
    Disabled,
}

impl Channel {
    /// What stands for a channel where a record brought its own address with it: nobody subscribed and nothing signs.
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

    /// Whether an event called `topic` goes here.
    #[must_use]
    pub fn wants(&self, topic: &str) -> bool {
        self.active && topic.parse::<Topic>().is_ok_and(|topic| self.events.contains(&topic))
    }

    /// Whether texts for it carry names.
    #[must_use]
    pub fn with_names(&self) -> bool {
        matches!(self.config, Config::Slack { with_names: true, .. } | Config::Email { with_names: true, .. })
    }

    /// Whom a sealed secret of it belongs to.
    #[must_use]
    pub fn seal_owner(&self) -> String {
        seal_owner(&self.tenant, self.id)
    }

    /// The secrets that sign at `now`; none where it is no webhook. One that was replaced signs as long as it opens.
    ///
    /// # Errors
    /// The present one does not open.
    pub fn signing_secrets(&self, secrets: &SecretDocument, now: Timestamp) -> Result<Vec<SecretString>, SecretsError> {
        let Config::Webhook { secrets: signing, .. } = &self.config else { return Ok(Vec::new()) };
        let owner = self.seal_owner();
        let valid = signing.iter().filter(|secret| secret.until.is_none_or(|until| until > now));
        let opened = valid.map(|secret| (secret.until.is_some(), secret.sealed.open(&owner, secrets)));
        opened.filter(|(was_replaced, opened)| !was_replaced || opened.is_ok()).map(|(_, opened)| opened).collect()
    }

    /// What is to be done about a delivery to it at `now`.
    #[must_use]
    pub fn way(&self, now: Timestamp) -> Way {
        self.trouble.map_or(Way::Open, |trouble| trouble.breaker.way(now))
    }

    /// One delivery tries at `now` whether it works again. Gives until when the others wait for it.
    pub fn try_out(&mut self, now: Timestamp) -> Timestamp {
        self.trouble.as_mut().map_or(now, |trouble| trouble.breaker.try_out(now))
    }

    /// An attempt succeeded.
    pub fn succeeded(&mut self) -> Change {
        if self.trouble.take().is_some() { Change::Noted } else { Change::None }
    }

    /// An attempt failed at `now`; `gone` where the endpoint said that it wants no more, `is_trial` where it was made for all.
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

    /// Its owner wants it to work, or not. Working again begins without old trouble.
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

/// Whom a sealed secret of a channel belongs to.
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
    fn an_endpoint_that_is_gone_is_not_asked_again_until_its_owner_says_so() {
        let mut channel = channel();
        assert_eq!(channel.failed(true, false, hour(0)), Change::Disabled);
        channel.set_active(true);
        assert_eq!((channel.active, channel.disabled), (true, None));
    }
}

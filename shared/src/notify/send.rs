//! One attempt to send a message, whatever the type of channel.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;

use super::{
    Attempt, Channel, Config, Delivery, Outcome, Sent,
    email::Mailer,
    outcome::{Answer, failed},
    signature::is_secret,
    slack,
    sms::SmsAccount,
    webhook,
};
use crate::{
    common::Private,
    platform::{
        Clock, Platform, SecretsError,
        clock::in_time,
        http::{UrlGuard, guarded_client, leads_nowhere_public},
        secrets::SecretDocument,
    },
};

/// How long an endpoint has to answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How long an endpoint has at the first attempt, which others of its stream shard wait for. A slower one is tried again later, apart
/// from the stream.
pub const FIRST_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends messages.
pub struct Sender {
    client: OnceLock<reqwest::Client>,
    mailer: Mailer,
    clock: Arc<dyn Clock>,
    allow_loopback: bool,
}

impl Sender {
    /// Builds no client yet.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let allow_loopback = platform.config.allow_loopback;
        let clock = Arc::clone(&platform.seams.clock);
        Self { client: OnceLock::new(), mailer: Mailer::new(platform), clock, allow_loopback }
    }

    /// Attempts `delivery` at `now`, for at most `patience`.
    pub async fn send(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        secrets: &SecretDocument,
        now: Timestamp,
        patience: Duration,
    ) -> (Outcome, Attempt) {
        let started = tokio::time::Instant::now();
        let answer = in_time(self.clock.as_ref(), now + patience, self.attempt(channel, delivery, secrets, now)).await;
        let (outcome, status, error) = answer.unwrap_or_else(|| failed("timeout"));
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            tenant = %channel.tenant, channel = %channel.id, delivery = %delivery.id, status, error, duration_ms,
            "delivery attempted",
        );
        (outcome, Attempt { at: now, status, error: error.map(str::to_owned), duration_ms })
    }

    async fn attempt(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        secrets: &SecretDocument,
        now: Timestamp,
    ) -> Answer {
        // An unreadable secret fails its own channel and nothing else.
        let unreadable = |error: SecretsError| {
            tracing::error!(tenant = %channel.tenant, channel = %channel.id, %error, "a channel's secret cannot be used");
            failed("secret_unreadable")
        };
        match &channel.config {
            Config::Webhook { url, .. } => match channel.signing_secrets(secrets, now) {
                Ok(signing) if signing.iter().all(|secret| is_secret(secret.expose_secret())) => {
                    let (headers, body) = webhook::request(delivery, &signing, now);
                    self.post(url, &UrlGuard::any_public_host(self.allow_loopback), headers, body).await
                }
                Ok(_) => unreadable(SecretsError::Malformed("a secret cannot sign")),
                Err(error) => unreadable(error),
            },
            Config::Slack { url, .. } => match url.open(&channel.seal_owner(), secrets) {
                Ok(url) => {
                    let (headers, body) = slack::request(&delivery.message);
                    self.post(url.expose_secret(), &slack::guard(self.allow_loopback), headers, body).await
                }
                Err(error) => unreadable(error),
            },
            Config::Email { emails, .. } => self.mailer.send(emails, &delivery.message).await,
        }
    }

    /// Sends `code` to a phone.
    pub async fn sms(&self, account: &SmsAccount, phone: &str, code: &str) -> Sent {
        let (headers, body) = account.request(phone, code);
        let guard = UrlGuard::any_public_host(self.allow_loopback);
        let post = self.post(&account.url, &guard, headers, body);
        Sent::of(
            in_time(self.clock.as_ref(), self.clock.now() + TIMEOUT, post).await.unwrap_or_else(|| failed("timeout")),
        )
    }

    /// Sends a text by e-mail.
    pub async fn mail(&self, email: Private<String>, subject: &str, text: &str) -> Sent {
        Sent::of(self.mailer.write(&[email], subject, text).await)
    }

    /// Whether e-mails can be sent at all.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.mailer.is_set_up()
    }

    /// Posts `body`. Only the head of the answer is read.
    async fn post(&self, url: &str, guard: &UrlGuard, headers: HeaderMap, body: String) -> Answer {
        let url = match guard.check(url) {
            Ok(url) => url,
            Err(refused) => return failed(refused.code()),
        };
        let client = self.client.get_or_init(|| guarded_client(self.allow_loopback));
        match client.post(url).headers(headers).body(body).send().await {
            Ok(answer) => judge(answer.status().as_u16(), answer.headers()),
            Err(error) if leads_nowhere_public(&error) => failed("link_not_public"),
            // While connecting.
            Err(error) if error.is_timeout() => failed("timeout"),
            Err(error) if error.is_connect() => failed("unreachable"),
            Err(_) => failed("no_answer"),
        }
    }
}

/// The meaning of a status: 2xx is accepted, 410 is final, anything else is tried again.
fn judge(status: u16, headers: &HeaderMap) -> Answer {
    let retry_after = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = retry_after.map(SignedDuration::from_secs);
    let (outcome, error) = match status {
        200..300 => (Outcome::Taken, None),
        410 => (Outcome::Gone, Some("gone")),
        300..400 => (Outcome::Failed { retry_after }, Some("redirect")),
        _ => (Outcome::Failed { retry_after }, Some("refused")),
    };
    (outcome, Some(status), error)
}

//! Auco "AucoFace" (`/veriface`): a person is invited by WhatsApp or web and photographs document and face; Auco
//! compares them. After too many attempts, a reviewer at Auco decides.
//!
//! Source: seeds `004_71dfcc1ae7a32405` (create) and `001_2c6c5cd1839b43f7` (query); the webhook's form, its retries
//! and the two keys are from Auco's public pages. What is not documented is accepted in every sensible form.

mod mapping;
mod options;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::{
    Answer, ApiClient, Callback, CallbackRefused, Capabilities, Connection, IncomingCallback, Mentions, NoProvider,
    Provider, ProviderError, Purpose, Submission, Submitted, Verdict,
    callback::{codes_after, uuids_in},
    http::{READ_TIMEOUT, SUBMIT_TIMEOUT},
    registry::read_account,
};
use crate::{
    common::FieldError,
    platform::secrets::Account,
    process::{ProcessId, ProcessRequest, Status},
};

/// The provider's name in requests and answers.
pub const NAME: &str = "auco";
/// Auco's production API.
pub const PRODUCTION: &str = "https://api.auco.ai/v1.5/ext";
/// How long to wait for Auco's own answer to show a reviewer's verdict, before the webhook alone counts.
const REVIEW_TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

/// An account at Auco.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AucoAccount {
    /// `puk_…`, for reads.
    pub public_key: SecretString,
    /// `prk_…`, for writes.
    pub private_key: SecretString,
    /// The base URL, if it is not the deployment's.
    pub url: Option<String>,
    /// The e-mail of the Auco user who creates processes, where a request names none.
    pub creator_email: Option<String>,
    /// Auco's id of the webhook that calls us.
    pub webhook_id: Option<String>,
    /// The static header that Auco sends with each webhook.
    pub webhook_header: Option<StaticHeader>,
    /// Countries (ISO 3166 alpha-2) and document types the account may use; anything where absent.
    pub documents: Option<BTreeMap<String, Vec<String>>>,
    /// Exact hosts that pictures may come from.
    #[serde(default)]
    pub media_hosts: Vec<String>,
}

/// A header that authenticates by its value.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticHeader {
    pub name: String,
    /// The value to expect.
    pub value: SecretString,
}

/// Auco among the providers.
pub struct Factory;

impl super::ProviderFactory for Factory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider> {
        let account: AucoAccount = read_account(account)?;
        let url = connection.base_url(account.url.as_deref(), Some(PRODUCTION))?;
        Ok(Box::new(Auco::new(connection.api.clone(), &url, account)))
    }
}

/// The connector for one account.
pub struct Auco {
    api: ApiClient,
    url: String,
    account: AucoAccount,
}

impl Auco {
    /// Uses the account; `url` is the API's base URL, without `/veriface`.
    #[must_use]
    pub fn new(api: ApiClient, url: &str, account: AucoAccount) -> Self {
        Self { api, url: format!("{}/veriface", url.trim_end_matches('/')), account }
    }
}

#[async_trait]
impl Provider for Auco {
    fn capabilities(&self) -> Capabilities {
        Capabilities { query: true, ..Capabilities::default() }
    }

    fn check(&self, request: &ProcessRequest, now: Timestamp) -> Vec<FieldError> {
        options::check(request, &self.account, now)
    }

    /// `POST /veriface` with the private key. It is never repeated, because each call sends the person a message.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError> {
        let body = mapping::creation(submission.id, submission.request, &self.account)?;
        let call = self
            .api
            .http()
            .post(&self.url)
            .header("authorization", self.account.private_key.expose_secret())
            .json(&body);
        let answer = self.api.call(call, SUBMIT_TIMEOUT, wire::refusal_code).await?;
        match wire::created_code(&answer.body) {
            Some(reference) => Ok(Submitted { reference, answer: None }),
            None => Err(ProviderError::Unreadable { raw: answer.body }),
        }
    }

    /// `GET /veriface?code=` with the public key. An unknown code is a 400.
    async fn query(&self, reference: &str, now: Timestamp) -> Result<Answer, ProviderError> {
        let call = self
            .api
            .http()
            .get(&self.url)
            .query(&[("code", reference)])
            .header("authorization", self.account.public_key.expose_secret());
        let answer = self.api.call(call, READ_TIMEOUT, wire::refusal_code).await?;
        let veriface =
            wire::veriface(&answer.body).ok_or_else(|| ProviderError::Unreadable { raw: answer.body.clone() })?;
        let (observation, links) = mapping::observation(veriface, now);
        Ok(Answer { observation, links, raw: answer.body })
    }

    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused> {
        let IncomingCallback { headers, body, .. } = *callback;
        if callback.purpose != Purpose::Webhook {
            return Err(CallbackRefused::Unauthenticated);
        }
        if let Some(expected) = &self.account.webhook_header {
            let given = headers.get(&expected.name).map(|value| value.as_bytes()).unwrap_or_default();
            if !bool::from(given.ct_eq(expected.value.expose_secret().as_bytes())) {
                return Err(CallbackRefused::Unauthenticated);
            }
        }
        let webhook = wire::webhook(body).map_err(CallbackRefused::Malformed)?;
        let verdict = match webhook.status.as_str() {
            "VALIDATED" => Some(Status::Approved),
            "INVALIDATED" => Some(Status::Rejected),
            _ => None,
        };
        Ok(Callback {
            process: webhook.process_id,
            reference: webhook.code,
            code: webhook.status,
            is_evidence: verdict.is_some() && webhook.reason.is_none() && webhook.says_why,
            verdict: verdict.map(|status| Verdict { status, reason: webhook.reason, patience: REVIEW_TIMEOUT }),
            certificate: None,
            is_result: false,
        })
    }

    /// Finds `custom.cotejo_id` and the code.
    fn mentions(&self, body: &[u8]) -> Mentions {
        let processes = uuids_in(body).into_iter().map(ProcessId).collect();
        Mentions { processes, references: codes_after("code", body) }
    }

    /// The webhook reports most ends at once. An expiry never comes by webhook, and a webhook may be lost: then a
    /// poll finds it within two minutes while the person is likely to be active.
    fn poll_after(&self, status: Status, age: SignedDuration) -> SignedDuration {
        let minutes = match (status, age.as_mins()) {
            // Asks again as soon as the wait for a reviewer's verdict ends.
            (Status::InReview, ..60) => 15,
            (Status::InReview, ..10_080) => 60,
            (Status::InReview, ..43_200) => 360,
            (Status::InReview, _) => 1440,
            (_, ..10) => 2,
            (_, ..60) => 5,
            (_, ..1440) => 30,
            _ => 180,
        };
        SignedDuration::from_mins(minutes)
    }

    fn media_hosts(&self) -> &[String] {
        &self.account.media_hosts
    }

    fn link_life(&self) -> SignedDuration {
        SignedDuration::from_mins(5)
    }
}

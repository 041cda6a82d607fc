//! Auco "AucoFace" (`/veriface`): a person is invited by WhatsApp or web, photographs document and face, and Auco
//! compares them; after too many attempts a reviewer at Auco decides.
//!
//! Source: seeds `004_71dfcc1ae7a32405` (create) and `001_2c6c5cd1839b43f7` (query); the webhook's form, its retries and
//! the two keys are from Auco's public pages. What nobody documents is accepted in every sensible form.

mod mapping;
mod options;
#[cfg(test)]
mod tests;
mod wire;

use ::http::HeaderMap;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::{
    Answer, ApiClient, Callback, CallbackRefused, FieldProblem, Provider, ProviderError, Submitted, Verdict,
    http::{READ_TIMEOUT, SUBMIT_TIMEOUT},
    wire::code,
};
use crate::{
    platform::secrets::AucoAccount,
    process::{ProcessId, ProcessRequest, Status},
};

/// The provider's name in requests and answers.
pub const NAME: &str = "auco";
/// Auco's production API.
pub const PRODUCTION: &str = "https://api.auco.ai/v1.5/ext";
/// How long Auco's own answer gets to show what a reviewer decided, before the webhook alone counts.
const REVIEW_PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// One company's account at Auco.
pub struct Auco {
    api: ApiClient,
    url: String,
    account: AucoAccount,
}

impl Auco {
    /// The account's connector; `url` is the API's base, without `/veriface`.
    #[must_use]
    pub fn new(api: ApiClient, url: String, account: AucoAccount) -> Self {
        Self { api, url: format!("{}/veriface", url.trim_end_matches('/')), account }
    }
}

#[async_trait]
impl Provider for Auco {
    fn check(&self, request: &ProcessRequest, now: Timestamp) -> Vec<FieldProblem> {
        options::check(request, &self.account, now)
    }

    /// `POST /veriface` with the private key. Never repeated: each one sends the person a message.
    async fn submit(&self, id: ProcessId, request: &ProcessRequest) -> Result<Submitted, ProviderError> {
        let body = mapping::creation(id, request, &self.account)?;
        let call = self
            .api
            .http()
            .post(&self.url)
            .header("authorization", self.account.private_key.expose_secret())
            .json(&body);
        let answer = self.api.call(call, SUBMIT_TIMEOUT, wire::refusal_code).await?;
        let created: wire::Created = answer.json()?;
        match code(&created.code) {
            Some(reference) => Ok(Submitted { reference: reference.to_owned() }),
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
        let veriface: wire::Veriface = answer.json()?;
        let (observation, links) = mapping::observation(veriface, now);
        Ok(Answer { observation, links, raw: answer.body })
    }

    fn read_callback(&self, headers: &HeaderMap, body: &[u8]) -> Result<Callback, CallbackRefused> {
        if let Some(expected) = &self.account.webhook_header {
            let given = headers.get(&expected.name).map(|value| value.as_bytes()).unwrap_or_default();
            if !bool::from(given.ct_eq(expected.value.expose_secret().as_bytes())) {
                return Err(CallbackRefused::Unauthenticated);
            }
        }
        let webhook: wire::Webhook =
            serde_json::from_slice(body).map_err(|_| CallbackRefused::Malformed("code and status are needed"))?;
        let reference = code(&webhook.code).ok_or(CallbackRefused::Malformed("code is not a code"))?;
        let code = code(&webhook.status).ok_or(CallbackRefused::Malformed("status is not a code"))?;
        let verdict = match code {
            "VALIDATED" => Some(Status::Approved),
            "INVALIDATED" => Some(Status::Rejected),
            _ => None,
        };
        Ok(Callback {
            process: webhook.process_id(),
            reference: reference.to_owned(),
            code: code.to_owned(),
            verdict: verdict.map(|status| Verdict { status, patience: REVIEW_PATIENCE }),
        })
    }

    /// The webhook brings most ends at once. Expiry never comes by webhook, and a webhook may be lost.
    fn poll_after(&self, status: Status, age: SignedDuration) -> SignedDuration {
        let minutes = match (status, age.as_mins()) {
            // The end of the reviewer's patience above must not be overslept.
            (Status::InReview, ..60) => 15,
            (Status::InReview, ..10_080) => 60,
            (Status::InReview, ..43_200) => 360,
            (Status::InReview, _) => 1440,
            (_, ..10) => 1,
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

    fn submit_is_repeatable(&self) -> bool {
        false
    }
}

//! Pocket: a provider that does not exist, added to Cotejo by nothing but what CONTRIBUTING.md says.
//!
//! It takes pictures of a document and a face, gives a verdict with pictures and a report, and calls back at an address of
//! ours for each check. `tests/e2e/pocket.rs` plays it.

mod mapping;
mod options;
mod wire;

use async_trait::async_trait;
use bytes::Bytes;
use cotejo::{
    common::FieldError,
    platform::secrets::Account,
    process::{ProcessRequest, Status},
    providers::{
        Answer, ApiClient, Callback, CallbackRefused, Capabilities, Connection, IncomingCallback, NoProvider, Provider,
        ProviderError, ProviderFactories, Purpose, Submission, Submitted, auco,
        http::{ApiAnswer, READ_TIMEOUT, SUBMIT_TIMEOUT},
        link, tecalis,
        wire::code,
    },
};
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The provider's name in requests and answers.
pub const NAME: &str = "pocket";
/// The providers that Cotejo connects, and this one.
pub const PROVIDERS: ProviderFactories = &[&auco::Factory, &link::Factory, &tecalis::Factory, &Factory];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PocketAccount {
    /// Goes along with every call.
    pub key: SecretString,
    /// Base URL, such as `https://pocket.example`.
    pub url: String,
    /// Exact hosts that pictures may come from.
    #[serde(default)]
    pub media_hosts: Vec<String>,
}

/// Pocket among the providers.
pub struct Factory;

impl cotejo::providers::ProviderFactory for Factory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider> {
        let account: PocketAccount = account.read().map_err(|_| NoProvider::Misconfigured)?;
        Ok(Box::new(Pocket { api: connection.api.clone(), account }))
    }
}

struct Pocket {
    api: ApiClient,
    account: PocketAccount,
}

impl Pocket {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.account.url.trim_end_matches('/'))
    }

    fn with_key(&self, call: RequestBuilder) -> RequestBuilder {
        call.header("x-pocket-key", self.account.key.expose_secret())
    }

    async fn read(&self, path: &str) -> Result<ApiAnswer, ProviderError> {
        let call = self.with_key(self.api.http().get(self.url(path)));
        self.api.call(call, READ_TIMEOUT, wire::refusal_code).await
    }
}

#[async_trait]
impl Provider for Pocket {
    fn capabilities(&self) -> Capabilities {
        Capabilities { repeatable_submission: true, query: true, pictures: true, ping: true }
    }

    fn check(&self, request: &ProcessRequest, _now: Timestamp) -> Vec<FieldError> {
        options::check(request)
    }

    /// `POST /checks`. The same `external_id` again gives the same check.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError> {
        let call = self.with_key(self.api.http().post(self.url("/checks"))).json(&mapping::creation(submission)?);
        let answer = self.api.call(call, SUBMIT_TIMEOUT, wire::refusal_code).await?;
        match wire::created_id(&answer.body) {
            Some(reference) => Ok(Submitted { reference, answer: None }),
            None => Err(ProviderError::Unreadable { raw: answer.body }),
        }
    }

    async fn query(&self, reference: &str, now: Timestamp) -> Result<Answer, ProviderError> {
        let answer = self.read(&format!("/checks/{reference}")).await?;
        let check = wire::check(&answer.body).filter(|check| check.check_id == reference);
        let Some(check) = check else { return Err(ProviderError::Unreadable { raw: answer.body }) };
        let (observation, links) = mapping::observation(reference, check, now);
        Ok(Answer { observation, links, raw: answer.body })
    }

    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused> {
        if callback.purpose != Purpose::Result {
            return Err(CallbackRefused::Unauthenticated);
        }
        let hint = wire::callback(callback.body).ok_or(CallbackRefused::Malformed("check_id and state are needed"))?;
        Ok(Callback {
            reference: code(&hint.check_id).ok_or(CallbackRefused::Malformed("check_id is not a code"))?.to_owned(),
            process: None,
            code: code(&hint.state).ok_or(CallbackRefused::Malformed("state is not a code"))?.to_owned(),
            verdict: None,
            certificate: None,
            is_result: false,
            is_evidence: false,
        })
    }

    /// `GET /checks/{check_id}/report.pdf`, a 404 until it is made.
    async fn certificate(&self, reference: &str, _now: Timestamp) -> Result<Bytes, ProviderError> {
        Ok(self.read(&format!("/checks/{reference}/report.pdf")).await?.body)
    }

    async fn ping(&self, _now: Timestamp) -> Result<(), ProviderError> {
        self.read("/health").await.map(drop)
    }

    /// The callback brings most ends at once; asking is for when it was lost.
    fn poll_after(&self, status: Status, age: SignedDuration) -> SignedDuration {
        SignedDuration::from_mins(match (status, age.as_mins()) {
            (Status::InReview, _) => 60,
            (_, ..10) => 1,
            (_, ..60) => 5,
            _ => 60,
        })
    }

    fn media_hosts(&self) -> &[String] {
        &self.account.media_hosts
    }

    fn link_life(&self) -> SignedDuration {
        SignedDuration::from_mins(10)
    }
}

//! Tecalis (`/customer`): follows an authorization that the customer created there, and reads everything Tecalis has
//! about it: the extracted data, the antifraud checks, the proof of life, the pictures.
//!
//! Source: seed `000_ed50bf7531232d3b`; the process's states, the operations and the manual override are from
//! Tecalis's public pages. Not documented are: base URLs (so they are configuration), the life of links (five minutes
//! are assumed), and the form and authentication of callbacks: one that names the authorization only triggers a
//! query. The answer to creating an authorization is not documented either, so the customer creates it.
//!
//! An operation's pictures are listed when the operation has ended, because until then the person may take them
//! again. The video of the session is listed when the session has ended.

mod mapping;
mod options;
#[cfg(test)]
mod tests;
mod wire;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{
    Answer, ApiClient, Callback, CallbackRefused, Capabilities, Connection, IncomingCallback, Mentions, NoProvider,
    Provider, ProviderError, Purpose, Submission, Submitted,
    callback::uuids_in,
    http::{ApiAnswer, READ_TIMEOUT, refusal_body},
    registry::read_account,
    repair::mended,
};
use crate::{
    common::FieldError,
    platform::secrets::Account,
    process::{ProcessId, ProcessRequest, Status},
};

/// The provider's name in requests and answers.
pub const NAME: &str = "tecalis";
/// What a query requests beside the status.
const EVERYTHING: &str = "?data=antifraud,images,video,identity";

/// An account at Tecalis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TecalisAccount {
    /// The key for the authorizations of this account.
    pub api_key: SecretString,
    /// The base URL, if it is not the deployment's. Tecalis publishes none, so one of the two is required.
    pub url: Option<String>,
    /// Exact hosts that pictures may come from.
    #[serde(default)]
    pub media_hosts: Vec<String>,
}

/// Tecalis among the providers.
pub struct Factory;

impl super::ProviderFactory for Factory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider> {
        let account: TecalisAccount = read_account(account)?;
        let url = connection.base_url(account.url.as_deref(), None)?;
        Ok(Box::new(Tecalis::new(connection.api.clone(), &url, account)))
    }
}

/// The connector for one account.
pub struct Tecalis {
    api: ApiClient,
    url: String,
    account: TecalisAccount,
}

impl Tecalis {
    /// Uses the account; `url` is the API's base URL, without `/customer`.
    #[must_use]
    pub fn new(api: ApiClient, url: &str, account: TecalisAccount) -> Self {
        Self { api, url: format!("{}/customer", url.trim_end_matches('/')), account }
    }

    /// `POST /customer`, which only reads.
    async fn read(&self, authorization: &str) -> Result<(wire::Customer, ApiAnswer), ProviderError> {
        let question = wire::Question { auth_uuid: authorization, api_key: self.account.api_key.expose_secret() };
        let call = self.api.http().post(format!("{}{EVERYTHING}", self.url)).json(&question);
        let answer = self.api.call(call, READ_TIMEOUT, wire::refusal_code).await?;
        let customer = customer(authorization, &answer)?;
        Ok((customer, answer))
    }
}

/// The answer's content, if it is about the authorization that was asked for.
fn customer(authorization: &str, answer: &ApiAnswer) -> Result<wire::Customer, ProviderError> {
    // It is not documented whether a refusal always has the status 401; its body is clear.
    match wire::refusal_code(&answer.body) {
        Some(code) if code == "401" || code == "403" => {
            return Err(ProviderError::Unauthorized { body: refusal_body(&answer.body) });
        }
        Some(code) => return Err(ProviderError::Rejected { code, body: refusal_body(&answer.body) }),
        None => {}
    }
    let unreadable = || ProviderError::Unreadable { raw: answer.body.clone() };
    let customer = wire::customer(&answer.body).ok_or_else(unreadable)?;
    match &customer.general.auth {
        Some(other) if !other.trim().eq_ignore_ascii_case(authorization) => Err(unreadable()),
        _ => Ok(customer),
    }
}

#[async_trait]
impl Provider for Tecalis {
    fn capabilities(&self) -> Capabilities {
        Capabilities { repeatable_submission: true, query: true, ..Capabilities::default() }
    }

    fn check(&self, request: &ProcessRequest, _now: Timestamp) -> Vec<FieldError> {
        options::check(request)
    }

    /// Creates nothing: one query checks that the authorization exists and the account's key is valid, and returns
    /// its state.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError> {
        let reference =
            options::authorization(submission.request).ok_or_else(|| ProviderError::rejected("options_invalid"))?;
        let answer = self.query(&reference, submission.now).await?;
        // An authorization that nobody has started has no state yet.
        let said = &answer.observation;
        let is_news = said.status.is_terminal() || !said.media.is_empty() || !said.unread.is_empty();
        Ok(Submitted { reference, answer: is_news.then_some(answer) })
    }

    async fn query(&self, reference: &str, now: Timestamp) -> Result<Answer, ProviderError> {
        let (customer, answer) = self.read(reference).await?;
        let (observation, links) = mapping::observation(customer, now);
        Ok(Answer { observation, links, raw: answer.body })
    }

    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused> {
        if callback.purpose != Purpose::Webhook {
            return Err(CallbackRefused::Unauthenticated);
        }
        let callback = serde_json::from_slice(&mended(callback.body)).map(wire::Callback);
        let callback = callback.map_err(|_| CallbackRefused::Malformed("JSON is needed"))?;
        Ok(Callback {
            reference: callback.authorization().ok_or(CallbackRefused::Malformed("auth_uuid is needed"))?,
            process: callback.process_id(),
            code: callback.state().unwrap_or_else(|| "unspecified".to_owned()),
            verdict: None,
            certificate: None,
            is_result: false,
            is_evidence: false,
        })
    }

    /// The form is not documented, so any UUID may be the authorization's id, or ours.
    fn mentions(&self, body: &[u8]) -> Mentions {
        let uuids = uuids_in(body);
        let processes = uuids.iter().copied().map(ProcessId).collect();
        Mentions { processes, references: uuids.iter().map(ToString::to_string).collect() }
    }

    /// Only polling is documented, so Tecalis is polled each minute while the person is likely to be active. An
    /// authorization is valid for an hour, two at most; after that, only somebody's manual decision can follow.
    fn poll_after(&self, _status: Status, age: SignedDuration) -> SignedDuration {
        SignedDuration::from_mins(match age.as_mins() {
            ..15 => 1,
            15..60 => 3,
            60..120 => 5,
            120..1440 => 30,
            _ => 180,
        })
    }

    fn media_hosts(&self) -> &[String] {
        &self.account.media_hosts
    }

    fn link_life(&self) -> SignedDuration {
        SignedDuration::from_mins(5)
    }
}

//! LINK Mobility KYC: the pictures of a document and a face are submitted; a machine judges them at once, or
//! reviewers do and call back. The state of a verification cannot be queried. LINK can issue a certificate.
//!
//! Source: seed `003_b45868d8aecc53ac`; the codes of its engine's fields are from what is publicly seen of ICAR.

mod mapping;
mod options;
#[cfg(test)]
mod tests;
mod wire;

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Answer, ApiClient, Callback, CallbackRefused, Capabilities, Connection, IncomingCallback, NoProvider, Provider,
    ProviderError, Purpose, Round, Submission, Submitted,
    http::{ApiAnswer, READ_TIMEOUT, SUBMIT_TIMEOUT},
    registry::read_account,
    token::{Token, TokenCache},
    wire::code,
};
use crate::{
    common::{FieldError, ids::uuid_of},
    platform::secrets::Account,
    process::{CertificateNews, ProcessId, ProcessRequest, Status, certificate::MAX_CERTIFICATE_BYTES},
};

/// The provider's name in requests and answers.
pub const NAME: &str = "link";
/// LINK's production API (seed, "Environments").
pub const PRODUCTION: &str = "https://kyc-api.linkmobility.es";
/// The addresses from which LINK calls back (seed, "Callback Response").
const CALLBACK_ADDRESSES: [[u8; 4]; 3] = [[217, 75, 233, 139], [213, 134, 38, 77], [88, 26, 209, 16]];
/// The longest answer with a certificate in base64.
const MAX_CERTIFICATE_ANSWER_BYTES: usize = MAX_CERTIFICATE_BYTES / 3 * 4 + 1024;

/// An account at LINK.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkAccount {
    pub user: String,
    pub password: SecretString,
    /// The base URL, if it is not the deployment's.
    pub url: Option<String>,
    /// The addresses that callbacks may come from; LINK's published ones where absent.
    #[serde(default = "callback_addresses")]
    pub callback_addresses: Vec<IpAddr>,
}

fn callback_addresses() -> Vec<IpAddr> {
    CALLBACK_ADDRESSES.map(IpAddr::from).to_vec()
}

/// LINK among the providers.
pub struct Factory;

impl super::ProviderFactory for Factory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider> {
        let account: LinkAccount = read_account(account)?;
        let url = connection.base_url(account.url.as_deref(), Some(PRODUCTION))?;
        Ok(Box::new(Link::new(connection.api.clone(), connection.tokens.clone(), &url, account)))
    }
}

/// The connector for one account.
pub struct Link {
    api: ApiClient,
    tokens: TokenCache,
    url: String,
    account: LinkAccount,
}

impl Link {
    /// Uses the account; `url` is the API's base URL, without `/identity`.
    #[must_use]
    pub fn new(api: ApiClient, tokens: TokenCache, url: &str, account: LinkAccount) -> Self {
        Self { api, tokens, url: url.trim_end_matches('/').to_owned(), account }
    }

    /// `POST /auth/token`, unless a token is cached that is not about to expire and was not `refused`.
    async fn token(&self, refused: Option<&SecretString>, now: Timestamp) -> Result<SecretString, ProviderError> {
        let fetch = async {
            let password = self.account.password.expose_secret();
            let credentials = wire::Credentials { user: &self.account.user, password };
            let call = self.api.http().post(format!("{}/auth/token", self.url)).json(&credentials);
            let answer = self.api.log_in(call, READ_TIMEOUT, wire::are_invalid_credentials, wire::refusal_code).await;
            let authorized = match answer {
                Ok(answer) => wire::authorized(&answer.body).ok_or(ProviderError::Unreadable { raw: answer.body })?,
                // The call that needs the token was not started.
                Err(ProviderError::Unavailable { .. }) => return Err(ProviderError::Unavailable { maybe_done: false }),
                Err(error) => return Err(error),
            };
            Ok(Token { value: authorized.token, life: SignedDuration::from_secs(authorized.expires_in.into()) })
        };
        self.tokens.get(&format!("{} {}", self.url, self.account.user), refused, now, fetch).await
    }

    /// Calls with a token, and again with a new one where it is refused, within `timeout`.
    async fn call(
        &self,
        api: &ApiClient,
        request: impl Fn(&ApiClient) -> RequestBuilder,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<ApiAnswer, ProviderError> {
        let started = tokio::time::Instant::now();
        let mut refused = None;
        loop {
            let token = self.token(refused.as_ref(), now).await?;
            let call = request(api).bearer_auth(token.expose_secret());
            match api.call(call, timeout.saturating_sub(started.elapsed()), wire::refusal_code).await {
                Err(ProviderError::Unauthorized { .. }) if refused.is_none() => refused = Some(token),
                answer => return answer,
            }
        }
    }
}

/// LINK's id of a submission: the process's own id, or one derived from it.
fn request_id(process: ProcessId, round: Round) -> Uuid {
    match round {
        Round::First => process.0,
        Round::Escalated => uuid_of(&["link", "escalated", &process.to_string()]),
    }
}

#[async_trait]
impl Provider for Link {
    fn capabilities(&self) -> Capabilities {
        Capabilities { repeatable_submission: true, query: false, pictures: true, ping: true }
    }

    fn check(&self, request: &ProcessRequest, _now: Timestamp) -> Vec<FieldError> {
        options::check(request)
    }

    /// `POST /identity/verify`. A repetition with the same id is harmless. The reference is the process's own id in
    /// both rounds.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError> {
        let id = request_id(submission.id, submission.round);
        let verify = mapping::verify(id, submission)?;
        let body: Bytes = serde_json::to_vec(&verify).map_err(|_| ProviderError::rejected("request_invalid"))?.into();
        let request = |api: &ApiClient| {
            let call = api.http().post(format!("{}/identity/verify", self.url));
            call.header("content-type", "application/json").body(body.clone())
        };
        let answer = self.call(&self.api, request, SUBMIT_TIMEOUT, submission.now).await?;
        let verified = wire::verified(&answer.body).filter(|verified| Uuid::try_parse(&verified.id) == Ok(id));
        let Some(verified) = verified else { return Err(ProviderError::Unreadable { raw: answer.body }) };
        let observation = mapping::automatic(&verified, submission);
        let answer = Answer { observation, links: Vec::new(), raw: answer.body };
        Ok(Submitted { reference: submission.id.to_string(), answer: Some(answer) })
    }

    /// The URL of a callback says its process and purpose; its body and its source address must agree. The
    /// certificate's URL in the body is ignored.
    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused> {
        let process = callback.process.ok_or(CallbackRefused::Unauthenticated)?;
        if !callback.source.is_some_and(|source| self.account.callback_addresses.contains(&source)) {
            return Err(CallbackRefused::Unauthenticated);
        }
        let event =
            wire::event(callback.body).ok_or(CallbackRefused::Malformed("id, service and status are needed"))?;
        let id = Uuid::try_parse(event.id.trim()).map_err(|_| CallbackRefused::Malformed("id is not a UUID"))?;
        if ![Round::First, Round::Escalated].iter().any(|round| request_id(process, *round) == id) {
            return Err(CallbackRefused::Elsewhere("id belongs to another process"));
        }
        let status = code(&event.status).ok_or(CallbackRefused::Malformed("status is not a code"))?;
        let certificate = match (event.service.trim(), callback.purpose) {
            ("ManualIDVerification", Purpose::Result) => None,
            ("Certification", Purpose::Certificate) => {
                Some(CertificateNews { reference: id.to_string(), progress: mapping::progress(status) })
            }
            _ => return Err(CallbackRefused::Malformed("service is not what the URL is for")),
        };
        Ok(Callback {
            reference: process.to_string(),
            process: Some(process),
            code: status.to_owned(),
            verdict: None,
            is_result: certificate.is_none(),
            is_evidence: false,
            certificate,
        })
    }

    fn read_result(&self, request: &ProcessRequest, body: &Bytes, received_at: Timestamp) -> Option<Answer> {
        let event = wire::event(body)?;
        let observation = mapping::manual(&event, request, received_at);
        Some(Answer { observation, links: Vec::new(), raw: body.clone() })
    }

    /// `GET /certificate/{id}`, with the file in base64.
    async fn certificate(&self, reference: &str, now: Timestamp) -> Result<Bytes, ProviderError> {
        let api = self.api.reading_up_to(MAX_CERTIFICATE_ANSWER_BYTES);
        let request = |api: &ApiClient| api.http().get(format!("{}/certificate/{reference}", self.url));
        let answer = self.call(&api, request, READ_TIMEOUT, now).await?;
        let unreadable = || ProviderError::Unreadable { raw: Bytes::new() };
        let file: wire::CertificateFile<'_> = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        if !file.id.trim().eq_ignore_ascii_case(reference) {
            return Err(unreadable());
        }
        STANDARD.decode(file.content.as_bytes()).map(Bytes::from).map_err(|_| unreadable())
    }

    /// `POST /ping`, then a token, so that the account is checked too.
    async fn ping(&self, now: Timestamp) -> Result<(), ProviderError> {
        let call = self.api.http().post(format!("{}/ping", self.url)).header("content-type", "application/json");
        let answer = self.api.call(call, READ_TIMEOUT, wire::refusal_code).await?;
        let pong = wire::pong(&answer.body).ok_or(ProviderError::Unreadable { raw: answer.body })?;
        if pong != "ok" {
            return Err(ProviderError::Unavailable { maybe_done: false });
        }
        self.token(None, now).await.map(drop)
    }

    /// LINK cannot be asked; only our own deadline is checked.
    fn poll_after(&self, _status: Status, _age: SignedDuration) -> SignedDuration {
        SignedDuration::from_hours(6)
    }

    fn media_hosts(&self) -> &[String] {
        &[]
    }

    fn link_life(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}

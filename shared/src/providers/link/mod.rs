//! LINK Mobility KYC: pictures of a document, and of a face, are sent along; a machine judges them at once, or people
//! do and call back. There is no way to ask how a verification stands, and a certificate may be made of it.
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
/// The addresses that LINK calls back from (seed, "Callback Response").
const CALLBACK_ADDRESSES: [[u8; 4]; 3] = [[217, 75, 233, 139], [213, 134, 38, 77], [88, 26, 209, 16]];
/// A certificate in base64, and what is around it.
const MAX_CERTIFICATE_ANSWER_BYTES: usize = MAX_CERTIFICATE_BYTES / 3 * 4 + 1024;

/// An account at LINK.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkAccount {
    /// Its user.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
    /// Base URL, where it is not the deployment's own.
    pub url: Option<String>,
    /// The addresses that callbacks may come from; LINK's published ones where absent.
    #[serde(default = "callback_addresses")]
    pub callback_addresses: Vec<IpAddr>,
}

fn callback_addresses() -> Vec<IpAddr> {
    CALLBACK_ADDRESSES.map(IpAddr::from).to_vec()
}

/// LINK among the companies.
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

/// The connector of one account.
pub struct Link {
    api: ApiClient,
    tokens: TokenCache,
    url: String,
    account: LinkAccount,
}

impl Link {
    /// Speaks for the account; `url` is the API's base, without `/identity`.
    #[must_use]
    pub fn new(api: ApiClient, tokens: TokenCache, url: &str, account: LinkAccount) -> Self {
        Self { api, tokens, url: url.trim_end_matches('/').to_owned(), account }
    }

    /// `POST /auth/token`, unless a token is known that is not about to end and was not `refused`.
    async fn token(&self, refused: Option<&SecretString>, now: Timestamp) -> Result<SecretString, ProviderError> {
        let fetch = async {
            let password = self.account.password.expose_secret();
            let credentials = wire::Credentials { user: &self.account.user, password };
            let call = self.api.http().post(format!("{}/auth/token", self.url)).json(&credentials);
            let answer = self.api.log_in(call, READ_TIMEOUT, wire::are_invalid_credentials, wire::refusal_code).await;
            let authorized = match answer {
                Ok(answer) => wire::authorized(&answer.body).ok_or(ProviderError::Unreadable { raw: answer.body })?,
                // Whatever was to be done with the token was not begun.
                Err(ProviderError::Unavailable { .. }) => return Err(ProviderError::Unavailable { maybe_done: false }),
                Err(error) => return Err(error),
            };
            Ok(Token { value: authorized.token, life: SignedDuration::from_secs(authorized.expires_in.into()) })
        };
        self.tokens.get(&format!("{} {}", self.url, self.account.user), refused, now, fetch).await
    }

    /// Makes a call with a token, once more with a new one where it is refused, all within `timeout`.
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

/// The id under which LINK knows a submission: the process's own, or one that follows from it.
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

    /// `POST /identity/verify`. A repeat under the same id is harmless. The reference is the process's own id, whatever the
    /// round.
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

    /// A callback's URL says which process it is about and what it may bring; its body must agree, and so must where it
    /// comes from. The address of the certificate's file in it is not looked at.
    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused> {
        let process = callback.process.ok_or(CallbackRefused::Unauthenticated)?;
        if !callback.source.is_some_and(|source| self.account.callback_addresses.contains(&source)) {
            return Err(CallbackRefused::Unauthenticated);
        }
        let event =
            wire::event(callback.body).ok_or(CallbackRefused::Malformed("id, service and status are needed"))?;
        let id = Uuid::try_parse(event.id.trim()).map_err(|_| CallbackRefused::Malformed("id is not a UUID"))?;
        if ![Round::First, Round::Escalated].iter().any(|round| request_id(process, *round) == id) {
            return Err(CallbackRefused::Elsewhere("id is another process's"));
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

    /// `POST /ping`, then a token, so that the account is known too.
    async fn ping(&self, now: Timestamp) -> Result<(), ProviderError> {
        let call = self.api.http().post(format!("{}/ping", self.url)).header("content-type", "application/json");
        let answer = self.api.call(call, READ_TIMEOUT, wire::refusal_code).await?;
        let pong = wire::pong(&answer.body).ok_or(ProviderError::Unreadable { raw: answer.body })?;
        if pong != "ok" {
            return Err(ProviderError::Unavailable { maybe_done: false });
        }
        self.token(None, now).await.map(drop)
    }

    /// There is nothing to ask for; what is looked at is our own deadline.
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

//! What a company calls back with, before it is believed.

use std::net::IpAddr;

use ::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::wire::code;
use crate::process::{CertificateNews, HeldVerdict, ProcessId, Status};

/// The most processes that one callback is taken to mention.
const MAX_MENTIONS: usize = 4;

/// What a callback URL of ours is for. One made for one purpose serves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything about a whole account, at a company that has one URL for all of it.
    Webhook,
    /// The result of one process.
    Result,
    /// The certificate of one process.
    Certificate,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Result, Self::Certificate];
}

/// A callback as it came in, at a URL whose token was checked.
pub struct IncomingCallback<'a> {
    /// What the URL was made for.
    pub purpose: Purpose,
    /// The process that the URL was made for; `None` for a whole account.
    pub process: Option<ProcessId>,
    /// The address it came from, where that is known.
    pub source: Option<IpAddr>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

#[cfg(test)]
impl<'a> IncomingCallback<'a> {
    /// One at the URL of a whole account.
    pub(crate) fn webhook(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { purpose: Purpose::Webhook, process: None, source: None, headers, body }
    }
}

/// What a callback says.
#[derive(Debug, PartialEq, Eq)]
pub struct Callback {
    /// The provider's own id of the process.
    pub reference: String,
    /// Our id of the process, where the callback echoes it.
    pub process: Option<ProcessId>,
    /// The provider's state in it.
    pub code: String,
    /// What it decides, where the provider's own answer may never show it.
    pub verdict: Option<Verdict>,
    /// What it says of the certificate.
    pub certificate: Option<CertificateNews>,
    /// Whether its body is itself the answer, since the provider cannot be asked for it.
    pub is_result: bool,
    /// Whether its body says, in words that are not passed on, what the provider's own answer never will: it is kept.
    pub is_evidence: bool,
}

/// A decision that comes by callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub status: Status,
    /// Why, as a code, where the callback says.
    pub reason: Option<String>,
    /// How long the provider's own answer gets to show it first.
    pub patience: SignedDuration,
}

impl Callback {
    /// The decision in the domain's terms, for a callback received at `received_at`.
    #[must_use]
    pub fn held_verdict(&self, received_at: Timestamp) -> Option<HeldVerdict> {
        self.verdict.as_ref().map(|verdict| HeldVerdict {
            status: verdict.status,
            code: self.code.clone(),
            reason: verdict.reason.clone(),
            usable_at: received_at + verdict.patience,
        })
    }
}

/// A callback that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// It does not prove that it comes from the provider.
    #[error("the callback is not authenticated")]
    Unauthenticated,
    /// It proves where it comes from and is not what the provider documents; the field that is missing or wrong.
    #[error("the callback is malformed: {0}")]
    Malformed(&'static str),
    /// It proves where it comes from and is about something else than its URL; the field that says so.
    #[error("the callback is about something else: {0}")]
    Elsewhere(&'static str),
}

/// Which processes a callback that cannot be read may be about. It proved where it comes from; what is not its process is
/// at worst asked about once too often.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// By our own ids.
    pub processes: Vec<ProcessId>,
    /// By the provider's.
    pub references: Vec<String>,
}

/// The UUIDs in a text of any form.
#[must_use]
pub fn uuids_in(body: &[u8]) -> Vec<Uuid> {
    const LENGTH: usize = 36;
    let text = String::from_utf8_lossy(body);
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let uuids = words.filter(|word| word.len() == LENGTH).filter_map(|word| Uuid::try_parse(word).ok());
    let mut found = Vec::new();
    for uuid in uuids {
        if !found.contains(&uuid) && found.len() < MAX_MENTIONS {
            found.push(uuid);
        }
    }
    found
}

/// The codes that follow the word `name` in a text of any form: `"name": "CODE"`, `name=CODE`.
#[must_use]
pub fn codes_after(name: &str, body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut words = text.split(|letter: char| !is_letter(letter)).filter(|word| !word.is_empty());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        if word != name {
            continue;
        }
        if let Some(code) = words.next().and_then(code)
            && found.len() < MAX_MENTIONS
        {
            found.push(code.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_may_still_name_somebody() {
        let id = "019cbdb7-58b4-712f-886f-341bc0e39c51";
        let uuid = Uuid::try_parse(id).ok();
        for body in [format!("auth_uuid={id}&state=OK"), format!("{{\"auth\": \"{id}\"\""), format!("<a>{id}</a>{id}")]
        {
            assert_eq!(uuids_in(body.as_bytes()).into_iter().next(), uuid, "{body}");
            assert_eq!(uuids_in(body.as_bytes()).len(), 1);
        }
        assert!(uuids_in(format!("x{id}").as_bytes()).is_empty());
        assert!(uuids_in(&[0xFF; 40]).is_empty());
        for body in ["{\"code\": \"ABCD1234\",", "code=ABCD1234&status=OK", "{'code' : 'ABCD1234'"] {
            assert_eq!(codes_after("code", body.as_bytes()), ["ABCD1234"], "{body}");
        }
        assert_eq!(codes_after("code", b"{\"barcode\": \"ABCD\", \"code"), [] as [&str; 0]);
        assert_eq!(codes_after("code", "code=A ".repeat(100).as_bytes()).len(), MAX_MENTIONS);
    }
}

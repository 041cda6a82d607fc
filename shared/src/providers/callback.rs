//! A provider's callback, before it is trusted.

use std::net::IpAddr;

use ::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::wire::code;
use crate::process::{CertificateNews, HeldVerdict, ProcessId, Status};

/// The most processes that one callback can mention.
const MAX_MENTIONS: usize = 4;

/// The purpose of a callback URL. A URL for one purpose is not valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything about an account, at a provider with one URL per account.
    Webhook,
    /// The result of one process.
    Result,
    /// The certificate of one process.
    Certificate,
}

impl Purpose {
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Result, Self::Certificate];
}

/// A received callback, at a URL with a valid token.
pub struct IncomingCallback<'a> {
    /// The purpose of the URL.
    pub purpose: Purpose,
    /// The process of the URL; `None` for a whole account.
    pub process: Option<ProcessId>,
    /// The source address, where it is known.
    pub source: Option<IpAddr>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

#[cfg(test)]
impl<'a> IncomingCallback<'a> {
    /// A callback at the URL of a whole account.
    pub(crate) fn webhook(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { purpose: Purpose::Webhook, process: None, source: None, headers, body }
    }
}

/// The content of a callback.
#[derive(Debug, PartialEq, Eq)]
pub struct Callback {
    /// The provider's own id of the process.
    pub reference: String,
    /// Our id of the process, where the callback echoes it.
    pub process: Option<ProcessId>,
    /// The provider's own status.
    pub code: String,
    /// A verdict that the provider's own answer may never show.
    pub verdict: Option<Verdict>,
    pub certificate: Option<CertificateNews>,
    /// Whether its body is the answer, because the provider cannot be asked.
    pub is_result: bool,
    /// Whether its body contains a free text that the provider's answer never has, so that the body is stored.
    pub is_evidence: bool,
}

/// A verdict in a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub status: Status,
    /// A stable code, where the callback gives a reason.
    pub reason: Option<String>,
    /// How long to wait for the provider's own answer to show it.
    pub patience: SignedDuration,
}

impl Callback {
    /// The verdict for a process, from a callback received at `received_at`.
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

/// Why a callback is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// It is not authentic.
    #[error("the callback is not authenticated")]
    Unauthenticated,
    /// It is authentic, but the named field is missing or invalid.
    #[error("the callback is malformed: {0}")]
    Malformed(&'static str),
    /// It is authentic, but the named field disagrees with its URL.
    #[error("the callback is about something else: {0}")]
    Elsewhere(&'static str),
}

/// The processes that an unreadable callback may be about. It is authentic; a wrong process is only refreshed once
/// too often.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Our own ids.
    pub processes: Vec<ProcessId>,
    /// The provider's ids.
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

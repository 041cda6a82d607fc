//! Signed links that expire, like a bucket's presigned URLs. A keyed hash covers path and expiry, so the holder of a link cannot
//! change them.

use jiff::Timestamp;
use serde::Deserialize;

use crate::dice::{Dice, keyed_hash};

/// Signs paths and checks what comes back. The key follows from the seed, so links survive a restart.
#[derive(Clone)]
pub(crate) struct Links {
    base_url: String,
    key: [u8; 32],
}

/// The query parameters of a signed link.
#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    #[serde(rename = "X-Amz-Expires-At")]
    expires_at_ms: Option<i64>,
    #[serde(rename = "X-Amz-Signature")]
    signature: Option<String>,
}

/// Why a link opens nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkRefused {
    /// No signature, or one made for another path or another end of life.
    NotSigned,
    /// The link has expired.
    Expired,
}

impl Links {
    pub fn new(base_url: &str, dice: Dice) -> Links {
        Links { base_url: base_url.trim_end_matches('/').to_owned(), key: dice.bytes("links") }
    }

    /// A full URL for a path below the base, without a signature.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// A full URL for a path below the base, good until `expires_at`.
    pub fn sign(&self, path: &str, expires_at: Timestamp) -> String {
        let expires_at = expires_at.as_millisecond();
        let signature = hex::encode(self.mac(path, expires_at));
        format!("{}{path}?X-Amz-Expires-At={expires_at}&X-Amz-Signature={signature}", self.base_url)
    }

    /// Checks whether this path may be read now. A link expires exactly in the millisecond that it names.
    pub fn check(&self, path: &str, given: &Signature, now: Timestamp) -> Result<(), LinkRefused> {
        let (Some(expires_at), Some(signature)) = (given.expires_at_ms, &given.signature) else {
            return Err(LinkRefused::NotSigned);
        };
        if hex::encode(self.mac(path, expires_at)) != *signature {
            return Err(LinkRefused::NotSigned);
        }
        if now.as_millisecond() >= expires_at { Err(LinkRefused::Expired) } else { Ok(()) }
    }

    fn mac(&self, path: &str, expires_at_ms: i64) -> [u8; 32] {
        keyed_hash(&self.key, format!("{path}\n{expires_at_ms}").as_bytes())
    }
}

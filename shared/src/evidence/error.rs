//! Why media were not copied, by what the caller can do.

use crate::{objects::BucketError, platform::http::UrlRefused};

/// Why a copy failed. No variant contains anything of the link or the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// The link does not work or has expired: ask the provider for a fresh one.
    #[error("the link has expired")]
    LinkExpired,
    /// The link's host is not allowed: do not try again.
    #[error(transparent)]
    Refused(#[from] UrlRefused),
    /// The file is too large.
    #[error("the file is too large")]
    TooLarge,
    /// A web page, an error text, a redirect, unknown bytes, or media of another kind than expected.
    #[error("the file has an unexpected format")]
    NotMedia,
    /// Fewer bytes than were announced, or a file without its end.
    #[error("the file is incomplete")]
    CutOff,
    /// The server did not answer, was too slow, or failed: try later.
    #[error("the file cannot be downloaded")]
    Unavailable,
    /// Our own bucket failed: try later.
    #[error("the store is unavailable")]
    Store,
    /// Our own bucket has no such object.
    #[error("there is no such file")]
    NotFound,
}

impl CopyError {
    /// A stable code, stored with the piece of evidence.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::LinkExpired => "link_expired",
            Self::Refused(refused) => refused.code(),
            Self::TooLarge => "too_large",
            Self::NotMedia => "not_media",
            Self::CutOff => "cut_off",
            Self::Unavailable => "source_unavailable",
            Self::Store => "store_unavailable",
            Self::NotFound => "not_found",
        }
    }

    /// Whether no later try can succeed: the file is too large, or the link is never allowed. A host may be listed
    /// tomorrow, and a name may resolve to another address.
    #[must_use]
    pub fn is_hopeless(self) -> bool {
        use UrlRefused::{Credentials, HostNotListed, Loopback, NotAUrl, NotHttps, NotPublic, Port};
        match self {
            Self::TooLarge => true,
            Self::Refused(NotAUrl | NotHttps | Credentials | Port | Loopback) => true,
            Self::Refused(NotPublic | HostNotListed) => false,
            _ => false,
        }
    }

    /// The error of a read from the bucket.
    pub(super) fn of_reading(error: BucketError) -> Self {
        match error {
            BucketError::NotFound => Self::NotFound,
            BucketError::TooLarge => Self::TooLarge,
            _ => Self::Store,
        }
    }

    /// Whether the next request for the same link may succeed.
    pub(super) fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::CutOff | Self::NotMedia)
    }
}

//! Why media were not copied, sorted by what can be done about it.

use crate::{objects::BucketError, platform::http::UrlRefused};

/// What the caller does next. No variant carries anything of the link or the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// The link does not work, or no longer: ask the provider for a fresh one.
    #[error("the link has expired")]
    LinkExpired,
    /// The link leads where we never go: no use in trying this host again.
    #[error(transparent)]
    Refused(#[from] UrlRefused),
    /// Larger than a file of its kind may be.
    #[error("the file is too large")]
    TooLarge,
    /// A web page, an error text, a redirect, bytes nobody knows, or media of another kind than was asked for.
    #[error("the file is not the media it should be")]
    NotMedia,
    /// Fewer bytes than were announced, or a file without its end.
    #[error("the file is cut off")]
    CutOff,
    /// The other side did not answer, was too slow, or is in trouble: later.
    #[error("the file cannot be reached")]
    Unavailable,
    /// Our own store did not take it, or did not give it back: later.
    #[error("the store is unavailable")]
    Store,
    /// Our own store has nothing of that name.
    #[error("there is no such file")]
    NotFound,
}

impl CopyError {
    /// A stable name of the reason, kept on the evidence entry.
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

    /// Whether no later try can do better: the file itself is too large, or the link has a form that is never followed. A
    /// host that is not listed may be listed tomorrow, and a name may lead elsewhere.
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

    /// What reading from the bucket ran into.
    pub(super) fn of_reading(error: BucketError) -> Self {
        match error {
            BucketError::NotFound => Self::NotFound,
            BucketError::TooLarge => Self::TooLarge,
            _ => Self::Store,
        }
    }

    /// Whether the very next request for the same link may well succeed.
    pub(super) fn is_transient(self) -> bool {
        matches!(self, Self::Unavailable | Self::CutOff | Self::NotMedia)
    }
}

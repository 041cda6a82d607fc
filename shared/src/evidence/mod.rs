//! Keeping the pictures: from a verification company's short-lived link into our bucket.
//!
//! Read it in the order of a picture's way: [`guard`] says which links may be followed, `fetch` reads the bytes,
//! [`mod@format`] and `whole` say whether they are a complete picture, [`object_key`] names the object, [`bucket`]
//! writes it once, and [`copy`] does all of it for many pictures within a fixed memory and time. [`video`] is the same way
//! for what is too long to hold, and [`submitted`] for what was handed to us without a link.
//!
//! Promised: no picture, video or certificate is stored that is not whole; repeating a copy is harmless; no link, and nothing of a
//! link but its host, appears in an error or a log. Left to others: when to copy, what to do about a failure, and the
//! record of what was stored.

pub mod bucket;
pub mod copy;
pub mod error;
pub mod format;
pub mod guard;
pub mod object_key;
pub mod submitted;
pub mod video;

mod budget;
mod fetch;
mod whole;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod scripted_server;
#[cfg(test)]
mod tests;

pub use bucket::{Bucket, BucketError, PresignedPut, PutOutcome};
pub use copy::{Copier, Media, Stored};
pub use error::CopyError;
pub use format::MediaFormat;
pub use guard::{UrlGuard, UrlRefused};
pub use object_key::{JobFile, ObjectKey, RawForm};

/// The most a picture may have: 10 MiB.
pub const MAX_PICTURE_BYTES: usize = 10 << 20;

/// The most a certificate may have: 10 MiB.
pub const MAX_CERTIFICATE_BYTES: usize = 10 << 20;

/// The most a video may have: 500 MiB.
pub const MAX_VIDEO_BYTES: u64 = 500 << 20;

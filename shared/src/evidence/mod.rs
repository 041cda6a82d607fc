//! Keeping the pictures: from a verification company's short-lived link into our bucket.
//!
//! Read it in the order of a picture's way: [`UrlGuard`](crate::platform::http::UrlGuard) says which links may be followed, `fetch`
//! reads the bytes, [`MediaFormat`](crate::objects::MediaFormat) says whether they are a complete picture,
//! [`ObjectKey`](crate::objects::ObjectKey) names the object, [`Bucket`](crate::objects::Bucket) writes it once, and [`copy`] does
//! all of it for many pictures within a fixed memory and time. [`video`] does the same for what is too long to hold, and
//! [`submitted`] for what was handed to us without a link.
//!
//! Promised: no picture, video or certificate is stored that is not whole; repeating a copy is harmless; no link, and nothing of a
//! link but its host, appears in an error or a log. Left to others: when to copy, what to do about a failure, and the
//! record of what was stored.

pub mod copy;
pub mod error;
pub mod submitted;
pub mod video;

mod budget;
mod fetch;

#[cfg(test)]
mod scripted_server;
#[cfg(test)]
mod tests;

pub use copy::{Copier, Media, Stored};
pub use error::CopyError;

/// The most a picture may have: 10 MiB.
pub const MAX_PICTURE_BYTES: usize = 10 << 20;

/// The most a video may have: 500 MiB.
pub const MAX_VIDEO_BYTES: u64 = 500 << 20;

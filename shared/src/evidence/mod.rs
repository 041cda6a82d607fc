//! Copying pictures from a provider's short-lived links into our bucket.
//!
//! The way of a picture: [`UrlGuard`](crate::platform::http::UrlGuard) allows the link, `fetch` downloads the bytes,
//! [`MediaFormat`](crate::objects::MediaFormat) checks that they are a complete picture,
//! [`ObjectKey`](crate::objects::ObjectKey) names the object, and [`Bucket`](crate::objects::Bucket) writes it once.
//! [`copy`] does all of it for many pictures within a fixed memory and time, [`video`] for what is too long to hold,
//! and [`submitted`] for what came without a link.
//!
//! Guarantees: only complete pictures, videos and certificates are stored; a copy can be repeated; of a link, only
//! its host appears in an error or a log. The caller decides when to copy and what to do about a failure, and records
//! what was stored.

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

/// Bytes of a picture: 10 MiB.
pub const MAX_PICTURE_BYTES: usize = 10 << 20;

/// Bytes of a video: 500 MiB.
pub const MAX_VIDEO_BYTES: u64 = 500 << 20;

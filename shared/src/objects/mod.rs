//! The S3 bucket: objects are written once and read through links.
//!
//! | file | subject |
//! | --- | --- |
//! | `key` | the name of an object |
//! | `format` | the formats of pictures and videos |
//! | `bucket` | write once, read |
//! | `whole` | whether a file is complete |
//! | `links` | signed links |
//! | `parts` | objects written in parts |
//! | `holds` | locking objects |
//! | `deletion` | deleting for good |

pub mod bucket;
mod deletion;
pub mod format;
mod holds;
pub mod key;
mod links;
mod parts;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod whole;

pub use bucket::{Bucket, BucketError, LINK_LIFE, PutOutcome};
pub use format::MediaFormat;
pub use key::{JobFile, ObjectKey, RawForm};
pub use links::PresignedPut;
pub use parts::LARGEST_PIECE_BYTES;
pub(crate) use parts::{Parts, SMALLEST_PART_BYTES};

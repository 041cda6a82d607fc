//! A memory budget for pictures and videos.
//!
//! Memory is reserved before a request, for the largest possible picture: three pictures at a time already use all of
//! a function's network, so an announced size is not needed. A video is streamed within the share of one picture.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::MAX_PICTURE_BYTES;

/// Bytes that pictures and videos may hold together.
pub(super) const TOTAL_BYTES: usize = 32 << 20;

/// Bytes that the HTTP client may read ahead for one picture.
pub(super) const READ_AHEAD_BYTES: usize = 512 << 10;

/// The share of one picture; it fits the semaphore's counter.
const PICTURE_BYTES: u32 = (MAX_PICTURE_BYTES + READ_AHEAD_BYTES) as u32;

const _: () = assert!(TOTAL_BYTES / PICTURE_BYTES as usize == 3, "three pictures at a time");

/// Free bytes.
pub(super) struct Budget {
    free: Semaphore,
    #[cfg(test)]
    most_taken: std::sync::atomic::AtomicUsize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            free: Semaphore::new(TOTAL_BYTES),
            #[cfg(test)]
            most_taken: 0.into(),
        }
    }

    /// Waits, first come first served, for the share of one picture or piece of a video. The permit holds it.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.free.acquire_many(PICTURE_BYTES).await.ok();
        #[cfg(test)]
        self.most_taken.fetch_max(TOTAL_BYTES - self.free.available_permits(), std::sync::atomic::Ordering::Relaxed);
        permit
    }

    /// The most bytes that were ever reserved at once.
    #[cfg(test)]
    pub(super) fn most_taken(&self) -> usize {
        self.most_taken.load(std::sync::atomic::Ordering::Relaxed)
    }
}

//! How much memory pictures may take at any moment.
//!
//! Bytes are handed out before a request is made, and by the most a picture can be: what a server announces is no
//! reason to hold less, since three pictures at a time already fill a function's network. A video is streamed within the
//! part of one picture.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::MAX_PICTURE_BYTES;

/// All that pictures and videos may hold together.
pub(super) const TOTAL_BYTES: usize = 32 << 20;

/// What the client may have read ahead of us for one picture.
pub(super) const READ_AHEAD_BYTES: usize = 512 << 10;

/// The part of one picture. A constant of this size fits the semaphore's counter.
const PICTURE_BYTES: u32 = (MAX_PICTURE_BYTES + READ_AHEAD_BYTES) as u32;

const _: () = assert!(TOTAL_BYTES / PICTURE_BYTES as usize == 3, "three pictures at a time");

/// The bytes that are free.
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

    /// Waits, first come first served, until another picture, or piece of a video, may be held, which is as long as the permit lives.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.free.acquire_many(PICTURE_BYTES).await.ok();
        #[cfg(test)]
        self.most_taken.fetch_max(TOTAL_BYTES - self.free.available_permits(), std::sync::atomic::Ordering::Relaxed);
        permit
    }

    /// The most bytes that were ever taken at once.
    #[cfg(test)]
    pub(super) fn most_taken(&self) -> usize {
        self.most_taken.load(std::sync::atomic::Ordering::Relaxed)
    }
}

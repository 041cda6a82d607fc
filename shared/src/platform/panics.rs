//! Panics that hurt only what they happened in: one record of a batch, or one request.
//!
//! A panic is a mistake of ours. It must not take along what happens to be done beside it, and its message may hold what
//! must not be logged, so what is logged is where it happened.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
};

use futures_util::FutureExt as _;

/// A panic was caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("panicked")]
pub struct Panicked;

/// Does `work`, and holds back a panic in it.
///
/// What is shared with other work is left as if `work` had been dropped in the middle, as it is where it times out: what we
/// share are caches, which are written whole.
///
/// # Errors
/// It panicked.
pub async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Panicked)
}

/// From here on a panic is logged by its place, without its message.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_a_result_is_a_result() {
        assert_eq!(catch_panic(async { 1 }).await, Ok(1));
        let fails = async {
            let none: [u8; 0] = [];
            none.iter().max().copied().map_or_else(|| panic!("nothing there"), u32::from)
        };
        assert_eq!(catch_panic(fails).await, Err(Panicked));
    }
}

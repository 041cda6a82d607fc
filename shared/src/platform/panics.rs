//! Catching panics, so that one fails only the record or request in which it happens.
//!
//! A panic is a bug of ours. It must not fail other work of the same process. Its message may contain personal data,
//! so only its place is logged.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
};

use futures_util::FutureExt as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("panicked")]
pub struct Panicked;

/// Runs `work` and catches a panic in it.
///
/// Shared state is left as if `work` had been dropped in the middle, as after a timeout. We only share caches, which
/// are written as a whole.
///
/// # Errors
/// `work` panicked.
pub async fn catch_panic<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Panicked)
}

/// From now on, a panic is logged with its place and without its message.
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

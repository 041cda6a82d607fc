//! The rate limit of a tenant: this execution environment's share of the tenant's counter.
//!
//! The share is taken in blocks, so that most requests need no request to the table. A block is as large as the use in this
//! environment in this minute, at least 1 and at most a twentieth of the limit. So an idle environment takes almost nothing
//! from the others, a busy one soon asks rarely, and small limits are exact. No request is granted without a block.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use lambda_http::http::{HeaderMap, HeaderValue};

use super::{ApiError, authenticator::CACHED_FOR};
use crate::{
    common::{Authority as _, Caller, TenantId},
    store::{
        Store, StoreError,
        limits::{Block, Taken, WINDOW_SECONDS, window_of},
    },
};

/// The largest block is the limit divided by this.
const BLOCKS: u32 = 20;
/// Tries to take a block before it counts as an error; meanwhile other environments may open windows.
const TRIES: usize = 4;
/// The most tenants in memory; a full memory is cleared, and the blocks in it are lost.
const TENANTS: usize = 10_000;

pub(super) struct Limits {
    store: Store,
    shares: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Share>>>>,
}

/// A tenant's share in this environment.
#[derive(Default)]
struct Share {
    window: i64,
    /// When the counter was last read. The result is valid as long as a cached key: it also says whether the tenant is
    /// suspended.
    asked_at: Option<Timestamp>,
    refused: bool,
    held: u32,
    used: u32,
    left: u32,
    per_minute: u32,
}

/// A tenant's rate limit after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether the request is within the limit.
    pub(super) granted: bool,
    per_minute: u32,
    remaining: u32,
    /// Seconds until the window ends.
    pub(super) reset: u32,
}

impl Standing {
    /// Writes the headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-09).
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Self { per_minute, remaining, reset, .. } = self;
        for (name, value) in [
            ("ratelimit-policy", format!("\"tenant\";q={per_minute};w={WINDOW_SECONDS}")),
            ("ratelimit", format!("\"tenant\";r={remaining};t={reset}")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl Limits {
    /// Starts without any block.
    pub(super) fn new(store: Store) -> Self {
        Self { store, shares: Mutex::default() }
    }

    /// Counts a request of `caller` at `now`.
    ///
    /// # Errors
    /// 401 if the tenant is suspended, 503 if the counter cannot be read.
    pub(super) async fn count(&self, caller: &Caller, now: Timestamp) -> Result<Standing, ApiError> {
        let share = self.share(caller.tenant());
        // The lock is held during the read, so that other requests wait for this block instead of taking their own.
        let mut share = share.lock().await;
        let opens = share.window < window_of(now);
        if opens {
            *share = Share { window: window_of(now), ..Share::default() };
        }
        let believed = share.asked_at.is_some_and(|at| now.duration_since(at) < CACHED_FOR);
        let settled = share.held > 0 || share.refused || share.is_used_up();
        if !believed || !settled {
            let taken = self.take(caller, now, share.block(), opens).await?;
            share.learn(taken, now);
        }
        if share.refused {
            return Err(ApiError::unauthorized());
        }
        let granted = share.held > 0;
        share.held = share.held.saturating_sub(1);
        share.used += u32::from(granted);
        let end = (share.window + 1) * WINDOW_SECONDS;
        Ok(Standing {
            granted,
            per_minute: share.per_minute,
            remaining: share.left.saturating_add(share.held),
            reset: u32::try_from(end - now.as_second()).unwrap_or_default().max(1),
        })
    }

    /// Takes a block of the window of `now`; `None` if the tenant is suspended or does not exist. `open` says whether the
    /// window is probably still closed, and so which request is tried first. One request, or two if that guess is wrong.
    async fn take(
        &self,
        caller: &Caller,
        now: Timestamp,
        block: u32,
        mut open: bool,
    ) -> Result<Option<Block>, ApiError> {
        let mut window = window_of(now);
        for _ in 0..TRIES {
            let counter = match self.store.take_block(caller, window, block, open).await? {
                Taken::Block(block) => return Ok(Some(block)),
                Taken::NoTenant => return Ok(None),
                Taken::Not(counter) if counter.suspended => return Ok(None),
                Taken::Not(counter) => counter,
            };
            // A window that another clock opened counts, even if it is in the future here.
            window = window.max(counter.window);
            open = counter.window < window;
            if !open && counter.left <= 0 {
                return Ok(Some(Block { window, granted: 0, left: 0, per_minute: counter.per_minute }));
            }
        }
        Err(StoreError::Conflict.into())
    }

    fn share(&self, tenant: &TenantId) -> Arc<tokio::sync::Mutex<Share>> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len() >= TENANTS && !shares.contains_key(tenant) {
            shares.clear();
        }
        Arc::clone(shares.entry(tenant.clone()).or_default())
    }
}

impl Share {
    /// The size of the next block.
    fn block(&self) -> u32 {
        self.used.min(self.per_minute / BLOCKS).max(1)
    }

    /// Whether the counter had nothing left when it was last read.
    fn is_used_up(&self) -> bool {
        self.asked_at.is_some() && self.left == 0
    }

    fn learn(&mut self, taken: Option<Block>, now: Timestamp) {
        self.asked_at = Some(now);
        match taken {
            None => (self.refused, self.held) = (true, 0),
            Some(Block { window, granted, left, per_minute }) => {
                // Requests held belong to their own window only.
                let kept = if self.window == window { self.held } else { 0 };
                (self.window, self.refused) = (window, false);
                (self.held, self.left, self.per_minute) = (kept.saturating_add(granted), left, per_minute);
            }
        }
    }
}

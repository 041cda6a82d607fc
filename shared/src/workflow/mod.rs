//! The use cases, one a file. Each reads like what it does: load, ask, decide, store.
//!
//! | file | use case | called by |
//! | --- | --- | --- |
//! | `create` | take a request, store it, hand it to the provider | create-process |
//! | `upload` | give a place for a picture before the process that needs it | create-process |
//! | `status` | show one process or a list, ask for a refresh, link to evidence | query-status |
//! | `decide` | take a reviewer's decision | decide-process |
//! | `redact` | remove everything about the person | decide-process |
//! | `certificate` | give out the certificate, fetch it where it is missing | fetch-certificate |
//! | `callback` | put a provider's callback where it cannot be lost | receive-callback |
//! | `refresh` | fold callbacks and the provider's answer into the process, copy its pictures | run-work |
//! | `long_copy` | copy a video beside its process | run-work |
//! | `poll` | wake whatever is overdue | poll-due |
//! | `deliver` | hand events on | deliver-notifications |
//! | `stream` | one look per process of a batch of stream records | run-work, deliver-notifications |
//! | `due` | when to look again | all of them |
//!
//! What several of them do is in `handover` (handing a process to its provider), `pictures` (those a customer submits),
//! `answer` (keeping what a provider said).

mod answer;
pub mod callback;
pub mod certificate;
pub mod create;
pub mod decide;
pub mod deliver;
pub mod due;
mod handover;
pub mod long_copy;
mod pictures;
pub mod poll;
pub mod redact;
pub mod refresh;
pub mod status;
pub mod stream;
pub mod upload;

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    platform::{Entropy, Platform},
    store::StoreError,
};

/// How often a lost race is run again before the caller is told to come back.
const MAX_RACES: usize = 10;

/// A fresh value for `wish` or `news`: never the same twice, so that writing it is always a change. `why` is what
/// [`wants_answer`] and whoever reads the table can see in it.
fn fresh(why: &str, entropy: &dyn Entropy) -> String {
    format!("{why}-{}", entropy.uuid().simple())
}

/// The wish of a customer, who wants the provider asked whatever the state.
const ASKED: &str = "asked";
/// The wish that comes with a callback.
const CALLED: &str = "called";
/// The wish of the clock.
const OVERDUE: &str = "overdue";

/// Whether a wish wants the provider asked even where nothing is open.
fn wants_answer(wish: &str) -> bool {
    wish.starts_with(ASKED) || wish.starts_with(CALLED)
}

/// How long a wish gets to be fulfilled before the clock wishes again.
const WISH_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Our own store or bucket did not do its part; the only trouble that fails a stream record.
#[derive(Debug, thiserror::Error)]
pub enum OwnTrouble {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket.
    #[error("the bucket is unavailable")]
    Bucket,
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] crate::platform::SecretsError),
}

/// What the workflows share of a platform.
#[derive(Clone)]
struct Means {
    platform: Platform,
    store: crate::store::Store,
    providers: Arc<crate::providers::Providers>,
}

impl Means {
    fn new(platform: &Platform) -> Self {
        Self {
            platform: platform.clone(),
            store: crate::store::Store::new(platform),
            providers: Arc::new(crate::providers::Providers::new(platform.seams.companies, &platform.config)),
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.platform.seams.clock.now()
    }

    /// When to look at `process` again; see [`due::next_look`].
    fn next_look(
        &self,
        process: &crate::process::Process,
        provider: &dyn crate::providers::Provider,
        secrets: &crate::platform::secrets::SecretDocument,
        now: jiff::Timestamp,
    ) -> Option<jiff::Timestamp> {
        let retention = secrets.tenants.get(process.tenant.as_str()).and_then(|settings| settings.retention_days);
        due::next_look(process, provider, retention, now, self.entropy())
    }

    fn entropy(&self) -> &dyn Entropy {
        self.platform.seams.entropy.as_ref()
    }
}

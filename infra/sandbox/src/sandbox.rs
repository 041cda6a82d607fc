//! What every call of the sandbox shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::config::{Now, SandboxConfig, Times};
use crate::dice::Dice;
use crate::errors::SandboxError;
use crate::links::Links;
use crate::state::State;
use crate::webhooks;

/// The two keys of the customer's account at Auco.
pub(crate) struct Keys {
    pub public: String,
    pub private: String,
}

/// All stand-ins of one local system. Clones share everything.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) now: Now,
    pub(crate) dice: Dice,
    pub(crate) times: Times,
    pub(crate) links: Links,
    pub(crate) auco_keys: Keys,
    pub(crate) tecalis_api_key: String,
    pub(crate) client: reqwest::Client,
    /// Never held across an await.
    state: Mutex<State>,
}

impl Sandbox {
    /// Opens a sandbox, with the state its file holds if there is one.
    pub fn open(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
        let dice = Dice(config.seed);
        let inner = Inner {
            now: config.now,
            dice,
            client: webhooks::client(&config.times)?,
            times: config.times,
            links: Links::new(&config.base_url, dice),
            auco_keys: Keys { public: config.auco.public_key, private: config.auco.private_key },
            tecalis_api_key: config.tecalis_api_key,
            state: Mutex::new(State::open(config.state_file, config.auco.webhooks, config.link)?),
        };
        Ok(Sandbox { inner: Arc::new(inner) })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.now)()
    }

    /// Everything that changes. Never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

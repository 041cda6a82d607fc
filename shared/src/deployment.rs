//! One deployment: the platform and the providers that it knows.

use crate::{
    platform::{Config, Platform, Seams},
    providers::{PROVIDERS, ProviderFactories},
};

/// What every use case is built on. Cloned cheaply.
#[derive(Clone)]
pub struct Deployment {
    /// Configuration, clients, secrets, clock and entropy.
    pub platform: Platform,
    /// The providers there are.
    pub factories: ProviderFactories,
}

impl Deployment {
    /// On `seams`, with the providers `factories`.
    #[must_use]
    pub fn new(config: Config, seams: Seams, factories: ProviderFactories) -> Self {
        Self { platform: Platform::new(config, seams), factories }
    }

    /// The one that is deployed: the system's clock and entropy, and every provider.
    #[must_use]
    pub fn real(config: Config) -> Self {
        Self::new(config, Seams::real(), PROVIDERS)
    }
}

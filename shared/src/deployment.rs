//! One deployment: the platform and its providers.

use crate::{
    platform::{Config, Platform, Seams},
    providers::{PROVIDERS, ProviderFactories},
};

/// The base of every use case. Cheap to clone.
#[derive(Clone)]
pub struct Deployment {
    /// Configuration, clients, secrets, clock and entropy.
    pub platform: Platform,
    pub factories: ProviderFactories,
}

impl Deployment {
    /// A deployment on `seams`, with the providers `factories`.
    #[must_use]
    pub fn new(config: Config, seams: Seams, factories: ProviderFactories) -> Self {
        Self { platform: Platform::new(config, seams), factories }
    }

    /// The deployed one: the system's clock and entropy, and every provider.
    #[must_use]
    pub fn real(config: Config) -> Self {
        Self::new(config, Seams::real(), PROVIDERS)
    }
}

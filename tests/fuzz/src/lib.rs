//! What the fuzz targets share: bodies that begin as the providers' own samples, and providers that answer with them.
//!
//! A target is a test. `cargo test -p cotejo-fuzz` gives each the samples as they are and then some seconds of changed
//! ones; `BOLERO_RANDOM_TEST_TIME_MS` gives it longer, and `cargo bolero test` runs it under a coverage-guided fuzzer.

#![expect(clippy::unwrap_used, reason = "a target's own failure is a failed test")]

mod accounts;
mod mutate;

pub use accounts::{Answering, accounts, at_link, authorization, new_process, now, pictures};
pub use mutate::mutated;

/// The providers' samples, as `(name, body)`: the very files that the connectors' own tests read.
pub const SAMPLES: &[(&str, &str)] = &[
    sample!("auco", "001_2c6c5cd1839b43f7.approved"),
    sample!("auco", "001_2c6c5cd1839b43f7.blocked"),
    sample!("auco", "001_2c6c5cd1839b43f7.in_progress"),
    sample!("auco", "001_2c6c5cd1839b43f7.invalidated"),
    sample!("auco", "004_71dfcc1ae7a32405.created"),
    sample!("auco", "004_71dfcc1ae7a32405.expired_date_invalid"),
    sample!("link", "003_b45868d8aecc53ac.automatic"),
    sample!("link", "003_b45868d8aecc53ac.bad_request"),
    sample!("link", "003_b45868d8aecc53ac.callback_approved"),
    sample!("link", "003_b45868d8aecc53ac.callback_certification"),
    sample!("link", "003_b45868d8aecc53ac.callback_not_approved"),
    sample!("link", "003_b45868d8aecc53ac.callback_rejected"),
    sample!("link", "003_b45868d8aecc53ac.certificate"),
    sample!("link", "003_b45868d8aecc53ac.manual_processing"),
    sample!("link", "003_b45868d8aecc53ac.server_error"),
    sample!("link", "003_b45868d8aecc53ac.token"),
    sample!("tecalis", "000_ed50bf7531232d3b.customer"),
    sample!("tecalis", "000_ed50bf7531232d3b.unauthorized"),
];

/// One of the samples of `provider`, changed as `input` says; as it is where `input` is empty or says so.
#[must_use]
pub fn body_of(provider: &str, input: &[u8]) -> Vec<u8> {
    let samples: Vec<_> = SAMPLES.iter().filter(|(name, _)| name.starts_with(provider)).collect();
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let (_, sample) = samples[usize::from(*first) % samples.len()];
    mutated(sample.as_bytes(), rest)
}

#[macro_export]
#[doc(hidden)]
macro_rules! sample {
    ($provider:literal, $name:literal) => {
        (
            concat!($provider, " ", $name),
            include_str!(concat!("../../../shared/src/providers/", $provider, "/fixtures/", $name, ".json")),
        )
    };
}

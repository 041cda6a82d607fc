//! The entropy seam: random bytes, ids and jitter.

use uuid::Uuid;

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` completely.
    fn fill(&self, buffer: &mut [u8]);

    /// A random UUID (version 4).
    fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A number in `0.0..1.0`, for jitter.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The operating system's generator.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without entropy no identifier or token may be made; stopping is right")]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for entropy")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives entropy");
    }
}

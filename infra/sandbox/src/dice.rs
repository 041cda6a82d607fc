//! Repeatable randomness: every random value is a keyed hash of the seed and a label for its purpose. Equal seeds give
//! equal runs with requests in any order, and nothing needs to be saved.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The seed of one sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(pub u64);

const CODE_LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Dice {
    /// 32 bytes for a label: the source of everything below, and a key where a secret is needed.
    pub fn bytes(self, label: &str) -> [u8; 32] {
        keyed_hash(&self.0.to_be_bytes(), label.as_bytes())
    }

    /// A number in `0..1`.
    pub fn fraction(self, label: &str) -> f64 {
        (self.number(label) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of `0..count`; 0 where `count` is 0.
    pub fn pick(self, label: &str, count: usize) -> usize {
        (self.number(label) % count.max(1) as u64) as usize
    }

    /// True for half of the labels.
    pub fn coin(self, label: &str) -> bool {
        self.pick(label, 2) == 0
    }

    /// 16 characters A–Z and 0–9, as Auco's process codes.
    pub fn code(self, label: &str) -> String {
        self.bytes(label)[..16].iter().map(|byte| CODE_LETTERS[*byte as usize % 36] as char).collect()
    }

    /// A UUID, of the version for values of one's own making.
    pub fn uuid(self, label: &str) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.bytes(label)[..16]);
        uuid::Uuid::new_v8(bytes).to_string()
    }

    fn number(self, label: &str) -> u64 {
        self.bytes(label)[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// HMAC-SHA-256. A key of any length is allowed, so this cannot fail; the empty hash stands for the impossible case.
pub(crate) fn keyed_hash(key: &[u8], message: &[u8]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

//! The domain of a verification: what a process is and how it may change. No I/O, no clock, no randomness.

pub mod evidence;
pub mod ids;

pub use evidence::EvidenceKind;
pub use ids::{ProcessId, TenantId};

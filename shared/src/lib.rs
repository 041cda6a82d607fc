//! Cotejo: one identity-verification API over several verification companies.

pub mod evidence;
pub mod platform;
pub mod process;

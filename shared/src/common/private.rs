//! Personal data: it is sent and stored, but cannot be printed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Wraps personal data. `Debug` shows a placeholder and there is no `Display`, so that no log line, error or panic
/// contains the value. Reading it takes an explicit [`Private::expose`].
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(T);

impl<T> Private<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

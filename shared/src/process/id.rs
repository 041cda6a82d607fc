//! The id that names a process everywhere: keys, object names, tokens, logs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::ids::InvalidId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(pub Uuid);

impl FromStr for ProcessId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // Only the canonical form, so that one process has one name.
        match Uuid::try_parse(text) {
            Ok(uuid) if uuid.hyphenated().to_string() == text => Ok(Self(uuid)),
            _ => Err(InvalidId("process id")),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_process_has_one_name() {
        let id = "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11";
        assert_eq!(id.parse::<ProcessId>().unwrap().to_string(), id);
        assert!(id.to_uppercase().parse::<ProcessId>().is_err());
        assert!(id.replace('-', "").parse::<ProcessId>().is_err());
    }
}

//! Actors: who did something. Kept beside decisions, redactions, holds and replays, for an audit years later.

use serde::{Deserialize, Serialize};

use super::values::text::plain;

/// Bytes of an actor's name; a longer one is cut.
pub const MAX_NAME_BYTES: usize = 48;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    #[serde(rename = "type")]
    pub kind: ActorType,
    /// The public id of a key; a fixed word for an operator and for Cotejo itself.
    pub id: String,
    /// The name as it was then; renaming changes nothing here.
    pub name: String,
}

/// What an [`Actor`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// An API key of the tenant.
    Key,
    /// A person of the tenant who has signed in.
    User,
    /// Whoever operates the deployment.
    Operator,
    /// Cotejo itself, by a rule that was set earlier.
    System,
}

impl Actor {
    /// An API key. Its name is cut where it is too long; signs that JSON escapes have no place in it.
    #[must_use]
    pub fn key(id: &str, name: &str) -> Self {
        Self { kind: ActorType::Key, id: id.to_owned(), name: plain(name, MAX_NAME_BYTES) }
    }

    /// Whoever operates the deployment.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorType::Operator, id: "operator".to_owned(), name: "Operator".to_owned() }
    }

    /// The tenant's retention, which redacts what has ended long enough ago.
    #[must_use]
    pub fn retention() -> Self {
        Self { kind: ActorType::System, id: "retention".to_owned(), name: "Retention".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters_and_has_nothing_to_escape() {
        assert_eq!(Actor::key("k", "a\"b\\c\n").name, "abc");
        assert_eq!(Actor::key("k", &"ñ".repeat(60)).name, "ñ".repeat(24));
        assert_eq!(Actor::key("k", &format!("x{}", "ñ".repeat(60))).name, format!("x{}", "ñ".repeat(23)));
    }
}

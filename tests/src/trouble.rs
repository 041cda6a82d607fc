//! Trouble for a whole run: what DynamoDB refuses for the moment now and then, wherever it comes.
//!
//! `COTEJO_TEST_TROUBLE` says which: `conflicts`, `throttles` or `partial`. Which calls of a world are refused follows from their
//! number alone. A call that is refused is not noted, and the one that follows it is: a test that counts calls counts those that
//! come to something.

use std::collections::BTreeSet;

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Writes, by transactions that are under way.
    Conflicts,
    /// Any call, once or until the SDK gives up.
    Throttles,
    /// A part of the keys of a batch.
    Partial,
}

/// How DynamoDB refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A transaction is under way over the same item.
    Conflict,
    /// The provider's rate limit is reached.
    Throttle,
    /// It comes to a part of a batch only.
    PartialBatch,
}

/// Every so many calls one is refused.
const CONFLICT_IN: usize = 5;
const THROTTLE_IN: usize = 13;
const PARTIAL_IN: usize = 2;

impl Trouble {
    pub const ALL: [Self; 3] = [Self::Conflicts, Self::Throttles, Self::Partial];

    /// What the environment asks for.
    pub(crate) fn of_environment() -> Option<Self> {
        match std::env::var("COTEJO_TEST_TROUBLE").ok().as_deref() {
            None | Some("") => None,
            Some("conflicts") => Some(Self::Conflicts),
            Some("throttles") => Some(Self::Throttles),
            Some("partial") => Some(Self::Partial),
            Some(_) => panic!("COTEJO_TEST_TROUBLE is conflicts, throttles or partial"),
        }
    }

    fn concerns(self, operation: &str) -> bool {
        let writes = matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems");
        match self {
            Self::Conflicts => writes,
            Self::Throttles => writes || matches!(operation, "GetItem" | "Query" | "BatchGetItem"),
            Self::Partial => operation == "BatchGetItem",
        }
    }
}

/// How far the trouble of a world is.
#[derive(Default)]
pub(crate) struct Course {
    trouble: Option<Trouble>,
    calls: usize,
    refused: usize,
    /// Invocations of the SDK of which no try comes to anything.
    hopeless: BTreeSet<String>,
}

impl Course {
    pub(crate) fn of(trouble: Option<Trouble>) -> Self {
        Self { trouble, ..Self::default() }
    }

    /// How many calls were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    /// How a call is refused, if it is. `invocation` is the SDK's, the same for all of its tries.
    pub(crate) fn refusal(&mut self, operation: &str, invocation: &str) -> Option<Refusal> {
        let trouble = self.trouble.filter(|trouble| trouble.concerns(operation))?;
        let is_hopeless = self.hopeless.contains(invocation);
        if !is_hopeless {
            self.calls += 1;
        }
        let refusal = match trouble {
            Trouble::Conflicts => self.calls.is_multiple_of(CONFLICT_IN).then_some(Refusal::Conflict),
            Trouble::Throttles if is_hopeless => Some(Refusal::Throttle),
            Trouble::Throttles => self.calls.is_multiple_of(THROTTLE_IN).then(|| {
                if (self.calls / THROTTLE_IN).is_multiple_of(2) {
                    self.hopeless.insert(invocation.to_owned());
                }
                Refusal::Throttle
            }),
            Trouble::Partial => (self.calls % PARTIAL_IN == 1).then_some(Refusal::PartialBatch),
        };
        self.refused += usize::from(refusal.is_some());
        refusal
    }
}

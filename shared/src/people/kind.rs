//! The kinds of records. What each is called elsewhere stands in its family ([`super::families`]).

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Person,
    PeopleGroup,
    Address,
    Contact,
    Reference,
    Employment,
    BankAccount,
    Financial,
    BiometricResult,
    Catalog,
    CatalogValue,
    DynamicProperty,
    DynamicValue,
    TemporaryPerson,
}

impl Kind {
    pub const ALL: [Self; 14] = [
        Self::Person,
        Self::PeopleGroup,
        Self::Address,
        Self::Contact,
        Self::Reference,
        Self::Employment,
        Self::BankAccount,
        Self::Financial,
        Self::BiometricResult,
        Self::Catalog,
        Self::CatalogValue,
        Self::DynamicProperty,
        Self::DynamicValue,
        Self::TemporaryPerson,
    ];

    /// The name in the table's keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::PeopleGroup => "PEOPLEGROUP",
            Self::Address => "ADDRESS",
            Self::Contact => "CONTACT",
            Self::Reference => "PERSONREFERENCE",
            Self::Employment => "EMPLOYMENT",
            Self::BankAccount => "BANKACCOUNT",
            Self::Financial => "FINANCIAL",
            Self::BiometricResult => "BIOMETRIC",
            Self::Catalog => "CATALOG",
            Self::CatalogValue => "CATALOGVALUE",
            Self::DynamicProperty => "DYNAMICPROPERTY",
            Self::DynamicValue => "DYNAMICVALUE",
            Self::TemporaryPerson => "TEMPORARYPERSON",
        }
    }

    /// The kind with that name in the table's keys.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

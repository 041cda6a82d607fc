//! The kinds of records.

use serde::{Deserialize, Serialize};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Person,
    /// A group of persons.
    PeopleGroup,
    /// Where a person lives.
    Address,
    /// How a person is reached.
    Contact,
    /// Somebody who knows a person.
    Reference,
    /// Where a person works.
    Employment,
    /// A person's bank account.
    BankAccount,
    /// What a person earns and spends.
    Financial,
    /// What came of a biometric check.
    BiometricResult,
    /// A catalog of the customer's own.
    Catalog,
    /// An entry of one.
    CatalogValue,
    /// What a customer wants to know of persons beyond their fields.
    DynamicProperty,
    /// What a person has in one.
    DynamicValue,
    /// Somebody of whom a person may be made.
    TemporaryPerson,
}

impl Kind {
    /// All of them.
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

    /// The name in keys of the table.
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

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What errors call one.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::PeopleGroup => "group",
            Self::Address => "address",
            Self::Contact => "contact",
            Self::Reference => "reference",
            Self::Employment => "employment",
            Self::BankAccount => "bank account",
            Self::Financial => "financial record",
            Self::BiometricResult => "biometric result",
            Self::Catalog => "catalog",
            Self::CatalogValue => "catalog value",
            Self::DynamicProperty => "dynamic property",
            Self::DynamicValue => "dynamic value",
            Self::TemporaryPerson => "temporary person",
        }
    }

    /// What events call one, as the seed does where it names it (its `model` and `resource_name`).
    #[must_use]
    pub fn resource_name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::PeopleGroup => "people_group",
            Self::Address => "address",
            Self::Contact => "person_contact",
            Self::Reference => "person_reference",
            Self::Employment => "person_employment_data",
            Self::BankAccount => "person_bank_data",
            Self::Financial => "person_financial_data",
            Self::BiometricResult => "person_biometric",
            Self::Catalog => "custom_catalog",
            Self::CatalogValue => "custom_catalog_value",
            Self::DynamicProperty => "dynamic_property",
            Self::DynamicValue => "person_dynamic_value",
            Self::TemporaryPerson => "temporary_person",
        }
    }
}

//! The families of records. Each is one declaration: its names, its fields in the order in which they are shown, and its rules.
//! Names and field types are those of seed `002_62dc5acb5b5aea27`.
//!
//! | file | families |
//! | --- | --- |
//! | `person` | persons |
//! | `address` | addresses; the similarity of a person's addresses |
//! | `contact` | contacts; what a confirmation counts for |
//! | `reference` | references |
//! | `bank_account` | bank accounts; the CLABE |
//! | `biometric` | biometric results; a person's summary of them |
//! | `catalog` | catalogs and their values |
//! | `dynamic` | dynamic properties and their values |
//! | `temporary` | temporary people |
//! | `plain` | groups, employments, financial records: fields and no rules |

pub mod address;
mod bank_account;
pub mod biometric;
mod catalog;
mod contact;
pub mod dynamic;
pub mod person;
mod plain;
mod reference;
pub mod temporary;

pub use address::ADDRESSES;
pub use bank_account::BANK_ACCOUNTS;
pub use biometric::BIOMETRIC_RESULTS;
pub use catalog::{CATALOG_VALUES, CATALOGS};
pub use contact::CONTACTS;
pub use dynamic::{DYNAMIC_PROPERTIES, DYNAMIC_VALUES};
pub use person::PEOPLE;
pub use plain::{EMPLOYMENTS, FINANCIALS, GROUPS};
pub use reference::REFERENCES;
pub use temporary::TEMPORARY_PEOPLE;

use super::{Family, Kind};

/// Every family.
pub static FAMILIES: [&Family; 14] = [
    &PEOPLE,
    &GROUPS,
    &ADDRESSES,
    &CONTACTS,
    &REFERENCES,
    &EMPLOYMENTS,
    &BANK_ACCOUNTS,
    &FINANCIALS,
    &BIOMETRIC_RESULTS,
    &CATALOGS,
    &CATALOG_VALUES,
    &DYNAMIC_PROPERTIES,
    &DYNAMIC_VALUES,
    &TEMPORARY_PEOPLE,
];

/// The family of a kind. Every kind has one.
#[must_use]
pub fn of(kind: Kind) -> &'static Family {
    FAMILIES.into_iter().find(|family| family.kind == kind).unwrap_or(&PEOPLE)
}

/// The maps in which a record of that kind keeps owner projections.
pub fn projection_maps(owner: Kind) -> impl Iterator<Item = &'static str> {
    let owned = FAMILIES.into_iter().filter(move |family| family.belongs_to(owner));
    owned.filter_map(|family| Some(family.owner_projection.as_ref()?.map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_family() {
        for kind in Kind::ALL {
            let of_kind = FAMILIES.into_iter().filter(|family| family.kind == kind).count();
            assert_eq!(of_kind, 1, "{kind:?}");
        }
        assert_eq!(FAMILIES.len(), Kind::ALL.len());
    }
}

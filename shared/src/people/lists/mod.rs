//! Built-in lists, which are the same for every tenant: ISO 3166 for nationalities, Mexico's states and those born
//! abroad, marital statuses, relations between persons. Shapes and the numbers shown in samples are those of seed
//! `002_62dc5acb5b5aea27`.
//!
//! Each is a file of lines `id, code, name[, country]`, separated by tabs.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use crate::common::values::text::folded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Countries and their nationalities.
    Nationalities,
    /// Mexico's 32 states, and `NE` for those born abroad.
    States,
    MaritalStatuses,
    PersonRelations,
}

/// An entry of a list. Its times are `null`, because it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// It never changes.
    pub id: u16,
    pub code: &'static str,
    pub name: &'static str,
    /// The country it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<&'static str>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

static NATIONALITIES: LazyLock<Vec<Entry>> = LazyLock::new(|| read(include_str!("nationalities.tsv")));
static STATES: LazyLock<Vec<Entry>> = LazyLock::new(|| read(include_str!("states.tsv")));
static MARITAL_STATUSES: LazyLock<Vec<Entry>> = LazyLock::new(|| read(include_str!("marital_statuses.tsv")));
static PERSON_RELATIONS: LazyLock<Vec<Entry>> = LazyLock::new(|| read(include_str!("person_relations.tsv")));

impl Name {
    pub const ALL: [Self; 4] = [Self::Nationalities, Self::States, Self::MaritalStatuses, Self::PersonRelations];

    /// Where it is shown.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Nationalities => "/nationalities",
            Self::States => "/states",
            Self::MaritalStatuses => "/marital-statuses",
            Self::PersonRelations => "/person-relations",
        }
    }
}

/// The entries of a list, by number.
#[must_use]
pub fn all(list: Name) -> &'static [Entry] {
    match list {
        Name::Nationalities => &NATIONALITIES,
        Name::States => &STATES,
        Name::MaritalStatuses => &MARITAL_STATUSES,
        Name::PersonRelations => &PERSON_RELATIONS,
    }
}

/// The entry with that number.
#[must_use]
pub fn entry(list: Name, id: u16) -> Option<&'static Entry> {
    all(list).iter().find(|entry| entry.id == id)
}

/// The entry with that code.
#[must_use]
pub fn by_code(list: Name, code: &str) -> Option<&'static Entry> {
    all(list).iter().find(|entry| entry.code == code)
}

/// The state of Mexico with that name, code, other name or ISO 3166-2 code; case, accents and punctuation do not
/// matter.
#[must_use]
pub fn state_called(name: &str) -> Option<&'static Entry> {
    let wanted = folded(name);
    let is_called = |other: &str| folded(other) == wanted;
    let in_mexico = || all(Name::States).iter().filter(|state| state.country.is_some());
    in_mexico().find(|state| is_called(state.code) || is_called(state.name)).or_else(|| {
        let further = include_str!("state_names.tsv").lines().filter_map(|line| line.split_once('\t'));
        let (code, _) = further.into_iter().find(|(_, name)| is_called(name))?;
        by_code(Name::States, code)
    })
}

fn read(lines: &'static str) -> Vec<Entry> {
    let entries = lines.lines().filter_map(|line| {
        let mut parts = line.split('\t');
        let (id, code, name) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        Some(Entry { id, code, name, country: parts.next(), created_at: None, updated_at: None })
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_line_is_an_entry_and_numbers_are_places() {
        for (list, lines, count) in [
            (Name::Nationalities, include_str!("nationalities.tsv"), 249),
            (Name::States, include_str!("states.tsv"), 33),
            (Name::MaritalStatuses, include_str!("marital_statuses.tsv"), 6),
            (Name::PersonRelations, include_str!("person_relations.tsv"), 14),
        ] {
            assert_eq!((all(list).len(), lines.lines().count()), (count, count), "{list:?}");
            assert!(all(list).iter().zip(1..).all(|(entry, place)| entry.id == place), "{list:?}");
            let mut codes: Vec<_> = all(list).iter().map(|entry| entry.code).collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(codes.len(), count, "{list:?}");
        }
    }

    #[test]
    fn the_states_are_those_of_a_curp() {
        let codes: Vec<_> = all(Name::States).iter().map(|entry| entry.code).collect();
        assert_eq!(codes, crate::process::computed::CURP_STATES);
    }

    #[test]
    fn a_state_is_known_by_each_of_its_names() {
        for (name, id) in [
            ("DF", 7),
            ("cdmx", 7),
            ("Ciudad de Mexico", 7),
            ("Distrito Federal", 7),
            ("D.F.", 7),
            ("MX-JAL", 15),
            ("NUEVO LEON", 19),
            ("Veracruz de Ignacio de la Llave", 30),
            ("México", 11),
        ] {
            assert_eq!(state_called(name).map(|state| state.id), Some(id), "{name}");
        }
        for nothing in ["", " ", "NE", "Texas", "Nacido en el extranjero"] {
            assert_eq!(state_called(nothing), None, "{nothing}");
        }
        let codes = include_str!("state_names.tsv").lines().map(|line| line.split_once('\t').unwrap());
        let mut names: Vec<_> =
            codes.map(|(code, name)| (by_code(Name::States, code).unwrap().id, folded(name))).collect();
        names.sort_by(|one, other| one.1.cmp(&other.1));
        assert!(names.windows(2).all(|two| two[0].1 != two[1].1), "a name is one state's");
    }

    #[test]
    fn the_seed_s_entries_have_its_numbers() {
        let mexico = entry(Name::Nationalities, 144).unwrap();
        assert_eq!((mexico.code, mexico.name, mexico.country), ("MEX", "Mexican", Some("Mexico")));
        let capital = entry(Name::States, 7).unwrap();
        assert_eq!((capital.code, capital.name, capital.country), ("DF", "Ciudad de México", Some("México")));
        assert_eq!(entry(Name::MaritalStatuses, 1).unwrap().code, "soltero");
        assert_eq!(entry(Name::PersonRelations, 1).unwrap().code, "hermano");
    }
}

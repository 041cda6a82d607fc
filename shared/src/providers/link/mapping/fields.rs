//! The data that the machine extracted: LINK's list of fields, as ours.

use std::collections::BTreeMap;

use super::MAX_TEXT_BYTES;
use crate::{
    common::Private,
    process::findings::Extracted,
    providers::{link::wire, wire::iso_date},
};

/// Fields without a counterpart of ours that the process keeps.
const MAX_OTHER: usize = 50;

/// The extracted values by LINK's codes, in LINK's order.
#[derive(Default)]
pub(super) struct Extraction(Vec<(String, String)>);

impl Extraction {
    pub(super) fn of(fields: &[wire::Field]) -> Self {
        let read = fields.iter().filter(|field| !is_test(field)).map(|field| (&field.code, &field.value));
        let bounded = read.filter(|(_, value)| (1..=MAX_TEXT_BYTES).contains(&value.len()));
        Self(bounded.map(|(code, value)| (code.clone(), value.clone())).collect())
    }

    pub(super) fn first(&self, code: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == code).map(|(_, value)| value.clone())
    }

    fn take(&mut self, code: &str) -> Option<Private<String>> {
        let position = self.0.iter().position(|(known, _)| known == code)?;
        Some(Private::new(self.0.remove(position).1))
    }

    /// A date in ISO 8601; a value that is no date stays among the rest.
    fn take_date(&mut self, code: &str) -> Option<Private<String>> {
        let position = self.0.iter().position(|(known, value)| known == code && iso_date(value).is_some())?;
        iso_date(&self.0.remove(position).1).map(Private::new)
    }

    /// All values of a code, in order.
    fn take_all(&mut self, code: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.0.retain(|(known, value)| {
            if known == code {
                values.push(value.clone());
            }
            known != code
        });
        values
    }

    /// The values with a field of ours, and the rest under LINK's codes; a repeated code is numbered.
    pub(super) fn extracted(mut self) -> Extracted {
        self.take("TYPE");
        // Each surname is a field of its own, and both may be equal.
        let surnames = self.take_all("SURNAME");
        let lines = self.take_all("MRZ");
        let lines = lines.iter().flat_map(|lines| lines.split_whitespace());
        let mrz = lines.map(|line| Private::new(line.to_owned())).collect();
        // Requests give the person's number; not every document has one beside its own number.
        let number = if self.first("ID_NUMBER").is_some() { "ID_NUMBER" } else { "DOC_NUMBER" };
        let extracted = Extracted {
            mrz,
            document_number: self.take(number),
            names: self.take("NAME"),
            surnames: (!surnames.is_empty()).then(|| Private::new(surnames.join(" "))),
            birth_date: self.take_date("BIRTHDATE"),
            birth_place: self.take("BIRTHPLACE"),
            expiry_date: self.take_date("EXPIRY"),
            issuing_state: self.take("EXPEDITOR"),
            nationality: self.take("NATIONALITY"),
            sex: self.take("SEX"),
            address: self.take("ADDRESS"),
            ..Extracted::default()
        };
        Extracted { other: self.rest(), ..extracted }
    }

    fn rest(self) -> BTreeMap<String, Private<String>> {
        let mut rest = BTreeMap::new();
        for (code, value) in self.0.into_iter().take(MAX_OTHER) {
            let mut numbered = (2..).map(|number| format!("{code}.{number}"));
            let mut name = code.clone();
            while rest.contains_key(&name) {
                name = numbered.next().unwrap_or_default();
            }
            rest.insert(name, Private::new(value));
        }
        rest
    }
}

pub(super) fn is_test(field: &wire::Field) -> bool {
    field.kind.eq_ignore_ascii_case("Validation")
        || ["TEST_", "QUALITY_IMAGE_"].iter().any(|prefix| field.code.starts_with(prefix))
}

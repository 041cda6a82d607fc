//! Limits on what a process keeps of providers' answers. Whatever a connector reads is cut here, so that no answer
//! makes a process larger than an item of the table may be. The raw answer is stored whole, as evidence.

use serde::Serialize;

use super::findings::{Extracted, Findings};
use crate::common::{Private, raw_json, values::text::plain};

/// Bytes of a code, a name or a detail.
pub const MAX_CODE: usize = 100;
/// Bytes of an extracted value, as JSON. A longer one is only in the raw answer.
pub const MAX_VALUE: usize = 600;
/// Checks of one process.
pub const MAX_CHECKS: usize = 120;
/// Lines of a machine-readable zone.
pub const MAX_MRZ: usize = 5;
/// Extracted values without a field of ours.
pub const MAX_OTHER: usize = 60;
/// Bytes of the identity of a piece of evidence.
pub const MAX_SOURCE: usize = 200;
/// Bytes of a provider's own id of a process or of a certificate.
pub const MAX_REFERENCE: usize = 200;

/// A code, cut where it is too long, without characters that JSON escapes.
#[must_use]
pub fn code(text: &str) -> String {
    plain(text, MAX_CODE)
}

/// Whether a value is short enough to be kept.
fn fits(value: &impl Serialize) -> bool {
    raw_json::length(value) <= MAX_VALUE
}

impl Findings {
    /// The findings as they are kept.
    #[must_use]
    pub(super) fn bounded(mut self) -> Self {
        self.checks.truncate(MAX_CHECKS);
        for check in &mut self.checks {
            check.name = code(&check.name);
            check.provider_code = check.provider_code.as_deref().map(code);
            check.detail = check.detail.as_deref().map(code);
        }
        self.document_type = self.document_type.filter(fits);
        self.provider_result = self.provider_result.filter(fits);
        self.extracted.bound();
        self
    }
}

impl Extracted {
    fn bound(&mut self) {
        let bound = |value: &mut Option<Private<String>>| {
            *value = value.take().filter(fits);
        };
        let Self {
            document_number,
            full_name,
            names,
            surnames,
            birth_date,
            birth_place,
            issue_date,
            expiry_date,
            issuing_state,
            nationality,
            sex,
            address,
            mrz,
            other,
        } = self;
        let dates = [birth_date, issue_date, expiry_date];
        let texts =
            [document_number, full_name, names, surnames, birth_place, issuing_state, nationality, sex, address];
        dates.into_iter().chain(texts).for_each(bound);
        mrz.retain(fits);
        mrz.truncate(MAX_MRZ);
        let kept = std::mem::take(other).into_iter().filter(|(name, value)| name.len() <= MAX_CODE && fits(value));
        *other = kept.take(MAX_OTHER).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::findings::{Check, Outcome, Source};

    #[test]
    fn a_provider_s_answer_is_bounded() {
        let long = "\u{1}ñ\"".repeat(100_000);
        let check = Check {
            name: long.clone(),
            outcome: Outcome::Unknown,
            source: Source::Provider,
            provider_code: Some(long.clone()),
            detail: Some(long.clone()),
        };
        let value = |text: &str| Some(Private::new(text.to_owned()));
        let findings = Findings {
            checks: vec![check; 10_000],
            extracted: Extracted {
                names: value("Carmen"),
                address: value(&long),
                mrz: vec![Private::new("P<ESP".to_owned()); 100],
                other: (0..10_000).map(|n| (format!("field_{n}"), Private::new("x".to_owned()))).collect(),
                ..Extracted::default()
            },
            face: None,
            document_type: Some(long.clone()),
            provider_result: Some("OK".to_owned()),
        };
        let bounded = findings.bounded();
        assert!(raw_json::length(&bounded) < 100_000, "{}", raw_json::length(&bounded));
        assert_eq!((bounded.checks.len(), bounded.checks[0].name.len()), (MAX_CHECKS, MAX_CODE));
        assert_eq!((bounded.document_type.as_deref(), bounded.provider_result.as_deref()), (None, Some("OK")));
        assert_eq!((&bounded.extracted.names, &bounded.extracted.address), (&value("Carmen"), &None));
        assert_eq!((bounded.extracted.mrz.len(), bounded.extracted.other.len()), (MAX_MRZ, MAX_OTHER));
    }
}

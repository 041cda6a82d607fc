//! Unicode in one normal form: `é` is one character, or an `e` and an accent, and is the same text either way.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The text in normal form C, which is how keyboards write it.
#[must_use]
pub fn normal(text: &str) -> Cow<'_, str> {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (written, normal_form) in
            [("Jose\u{301} Mun\u{303}oz", "José Muñoz"), ("\u{212b}", "Å"), ("plain", "plain")]
        {
            assert_eq!(normal(written), normal_form);
        }
    }
}

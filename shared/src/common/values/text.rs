//! Spellings of a text: Unicode writes `é` as one character or as an `e` and an accent, and people leave accents out.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The text in Unicode normal form C, which is how keyboards write it.
#[must_use]
pub fn normal(text: &str) -> Cow<'_, str> {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize(text)
}

/// A text without case, accents, blanks and punctuation: two spellings of one name are equal.
#[must_use]
pub fn folded(text: &str) -> String {
    let bare = |c: char| match c {
        'á' | 'à' | 'ä' => 'a',
        'é' | 'è' | 'ë' => 'e',
        'í' | 'ì' | 'ï' => 'i',
        'ó' | 'ò' | 'ö' => 'o',
        'ú' | 'ù' | 'ü' => 'u',
        c => c,
    };
    normal(text).to_lowercase().chars().map(bare).filter(|c| c.is_alphanumeric()).collect()
}

/// The beginning of a text that has `max` bytes at most, without characters that JSON escapes.
#[must_use]
pub fn plain(text: &str, max: usize) -> String {
    let mut kept = String::new();
    for sign in text.chars().filter(|sign| !sign.is_control() && !matches!(sign, '"' | '\\')) {
        if kept.len() + sign.len_utf8() > max {
            break;
        }
        kept.push(sign);
    }
    kept
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

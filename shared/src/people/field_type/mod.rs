//! The types that fields have, as JSON Schema would say: which values are valid, how they are stored, and how large they get.

mod read;

use super::lists;
use crate::{common::values::email::MAX_EMAIL, platform::http::MAX_URL_BYTES};

#[cfg(doc)]
use crate::{common::values::time::moment, platform::http::read_url};

/// Characters of a text.
const MAX_TEXT: usize = 500;
/// Texts in a list.
const MAX_TEXTS: usize = 50;
/// Characters of a post code.
const MAX_POST_CODE: usize = 16;
/// Bytes of an object or of any value.
pub const MAX_FREE: usize = 16 * 1024;
/// Bytes of a number.
const MAX_NUMBER: usize = 100;
/// Numbers in a list.
const MAX_NUMBERS: usize = 10;

/// What the values of a field look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A text of at most 500 characters, which may be empty; kept in Unicode normal form C.
    Text,
    /// A text of 1 to 500 characters, not blank.
    Name,
    /// A post code of any country: at most 16 letters, digits, blanks and hyphens; may be empty. A number is a Mexican post code
    /// and gets its leading zeros back.
    PostCode,
    /// From … to … digits, given as text or as a number and kept as text: not every JSON parser reads 18 digits exactly. Where
    /// the length is fixed, a number gets its leading zeros back.
    Digits(usize, usize),
    /// A phone number in any usual spelling, as text or number; kept as E.164. Without a country code it is Mexican.
    Phone,
    /// An e-mail address, whose host may be one word.
    Email,
    /// A URL of at most 2048 bytes, kept as parsed ([`read_url`]).
    Url,
    Id,
    /// A whole number from … to ….
    Integer(i64, i64),
    /// A number of at most 100 digits, which stay as they came.
    Number,
    /// Degrees from minus … to …, as number or text.
    Coordinate(u16),
    Boolean,
    /// A day, kept as `2022-01-31`. A moment counts as its day.
    Date,
    /// A day, kept as its first moment in UTC.
    Midnight,
    /// A moment in any form that [`moment`] reads. A day counts as its first moment; no offset means UTC.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, given as the word or as its index; kept as the word.
    Numbered(&'static [&'static str]),
    /// The id of an entry of a built-in list.
    Entry(lists::Name),
    /// At most ten numbers.
    Numbers,
    /// An object of up to 16 KiB, nested at most 32 deep; kept as it came.
    Object,
    /// At most fifty texts of 1 to 500 characters.
    Texts,
    /// Any value of up to 16 KiB, nested at most 32 deep; another field says what it must be.
    Any,
}

impl FieldType {
    /// The most bytes that a value takes, as JSON. Every type has a bound.
    #[must_use]
    pub fn max_bytes(self) -> usize {
        // An escaped character takes up to six bytes in JSON.
        let text = |chars: usize| 6 * chars + 2;
        match self {
            Self::Text | Self::Name => text(MAX_TEXT),
            Self::PostCode => MAX_POST_CODE + 2,
            Self::Digits(_, most) => most + 2,
            Self::Phone | Self::Boolean | Self::Integer(..) | Self::Entry(_) => 20,
            Self::Email => text(MAX_EMAIL),
            Self::Url => 2 * MAX_URL_BYTES + 2,
            Self::Id | Self::Date | Self::Midnight | Self::Moment => 38,
            Self::Number | Self::Coordinate(_) => MAX_NUMBER,
            Self::Word(words) | Self::Numbered(words) => {
                words.iter().map(|word| word.len() + 2).max().unwrap_or_default()
            }
            Self::Numbers => MAX_NUMBERS * (MAX_NUMBER + 1) + 2,
            Self::Object | Self::Any => MAX_FREE,
            Self::Texts => MAX_TEXTS * (text(MAX_TEXT) + 1) + 2,
        }
    }
}

#[cfg(test)]
mod tests;

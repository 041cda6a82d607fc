//! Days and moments, in every form that is accepted: `2022-07-29`, `2022-07-29T21:54:55`, the same with a blank in place of the `T`,
//! with fractions, and with `Z` or an offset. Without an offset it is UTC. A day alone counts as its first moment.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    fmt::temporal::Pieces,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize as _, Deserializer, de::Error as _};

#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    let pieces = pieces(text)?;
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    pieces.to_numeric_offset().unwrap_or(Offset::UTC).to_timestamp(civil).ok()
}

/// The day in a text; of a moment, the day as written, whatever the offset.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    pieces(text).map(|pieces| pieces.date())
}

/// The current day in UTC.
#[must_use]
pub fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn pieces(text: &str) -> Option<Pieces<'_>> {
    let text = text.trim();
    // jiff also takes `20220729` and years of six digits.
    let is_day = |day: &str| day.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 4 | 7));
    text.get(..10).filter(|day| is_day(day))?;
    let pieces = Pieces::parse(text).ok()?;
    (pieces.date().year() >= 1 && pieces.time_zone_annotation().is_none()).then_some(pieces)
}

/// Reads an optional moment of a request.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| moment(&text).ok_or_else(|| D::Error::custom("no date and time"))).transpose()
}

/// Reads a required moment of a request.
pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    moment(&text).ok_or_else(|| D::Error::custom("no date and time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_day_and_moment_is_read() {
        for (text, read, of_day) in [
            ("2022-07-29", "2022-07-29T00:00:00Z", "2022-07-29"),
            ("2022-07-29T21:54:55", "2022-07-29T21:54:55Z", "2022-07-29"),
            ("2022-07-29 21:54:55", "2022-07-29T21:54:55Z", "2022-07-29"),
            ("2022-07-29T21:54", "2022-07-29T21:54:00Z", "2022-07-29"),
            (" 2022-07-29T21:54:55.25Z ", "2022-07-29T21:54:55.25Z", "2022-07-29"),
            ("2022-07-29T21:54:55-06:00", "2022-07-30T03:54:55Z", "2022-07-29"),
            ("2022-07-29T21:54:55+0200", "2022-07-29T19:54:55Z", "2022-07-29"),
            ("0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01"),
        ] {
            assert_eq!(moment(text).map(|at| at.to_string()).as_deref(), Some(read), "{text}");
            assert_eq!(day(text).map(|day| day.to_string()).as_deref(), Some(of_day), "{text}");
        }
        // The last day is valid, although its moments are out of range.
        for text in ["9999-12-31", "9999-12-31T00:00:00Z"] {
            assert_eq!((day(text).map(|day| day.year()), moment(text)), (Some(9999), None), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "soon",
            "2022-02-30",
            "29/07/2022",
            "20220729",
            "2022-7-29",
            "0000-01-01",
            "-000001-01-01",
            "+002022-01-01",
            "2022-07-29Tnoon",
            "2022-07-29T25:00:00",
            "2022-07-29T10:00:00[America/Mexico_City]",
            "2022-W30-5",
            "1659131695",
        ] {
            assert_eq!((day(text), moment(text)), (None, None), "{text}");
        }
    }
}

//! How a workbook's cells show their numbers (ECMA-376 part 1, sections 18.8.30 and 18.8.31).

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, date},
};

/// The most digits of a zero-padded format: more than any number that is read.
const MAX_ZEROS: usize = 30;

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Plain,
    Moment,
    /// Padded with zeros to this many digits.
    Zeros(usize),
}

impl Shown {
    /// Reads a built-in number format.
    pub(super) fn built_in(id: u32) -> Self {
        match id {
            14..=22 | 27..=36 | 45..=47 | 50..=58 => Self::Moment,
            _ => Self::Plain,
        }
    }

    /// Reads the code of a number format.
    pub(super) fn of(code: &str) -> Self {
        let bare = bare(code);
        if bare.chars().any(|letter| matches!(letter.to_ascii_lowercase(), 'd' | 'm' | 'y' | 'h' | 's'))
            && bare != "General"
        {
            Self::Moment
        } else if (2..=MAX_ZEROS).contains(&bare.len()) && bare.bytes().all(|byte| byte == b'0') {
            Self::Zeros(bare.len())
        } else {
            Self::Plain
        }
    }
}

/// A format's first section without texts, colours, conditions and blanks.
fn bare(code: &str) -> String {
    let (mut bare, mut letters) = (String::new(), code.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => drop(letters.by_ref().find(|end| *end == '"')),
            '[' => drop(letters.by_ref().find(|end| *end == ']')),
            '\\' | '_' | '*' => drop(letters.next()),
            ';' => break,
            letter => bare.push(letter),
        }
    }
    bare
}

/// The day or moment of a number: days since the end of 1899, or since the start of 1904. `None` where there is none,
/// such as for 29 February 1900, which did not exist.
pub(super) fn moment(number: f64, since_1904: bool) -> Option<String> {
    let begin: Date = match number {
        _ if since_1904 => date(1904, 1, 1),
        1.0..60.0 => date(1899, 12, 31),
        61.0.. => date(1899, 12, 30),
        _ => return None,
    };
    if !(0.0..3_000_000.0).contains(&number) {
        return None;
    }
    let seconds = SignedDuration::from_secs((number * 86_400.0).round() as i64);
    let moment: DateTime = begin.to_datetime(jiff::civil::Time::midnight()).checked_add(seconds).ok()?;
    let is_day = moment.time() == jiff::civil::Time::midnight();
    Some(if is_day { moment.date().to_string() } else { format!("{}Z", moment.strftime("%Y-%m-%dT%H:%M:%S")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_what_its_numbers_are() {
        for code in ["yyyy-mm-dd", "d/m/yy h:mm;@", "[$-80A]d \"de\" mmmm \"de\" yyyy;@", "[Red]mm\\-yy"] {
            assert_eq!(Shown::of(code), Shown::Moment, "{code}");
        }
        for code in ["General", "0.00", "#,##0", "\"days\" 0", "_-* #,##0.00\\ _d", "[Red]0", "@", "0"] {
            assert_eq!(Shown::of(code), Shown::Plain, "{code}");
        }
        assert_eq!(Shown::of("0000000000"), Shown::Zeros(10));
        assert_eq!(Shown::of(&"0".repeat(30)), Shown::Zeros(30));
        assert_eq!(Shown::of(&"0".repeat(70_000)), Shown::Plain);
        assert_eq!(Shown::built_in(14), Shown::Moment);
        assert_eq!(Shown::built_in(1), Shown::Plain);
    }

    #[test]
    fn a_number_of_days_is_a_day_or_moment() {
        let is =
            |number, since_1904, moment: &str| assert_eq!(super::moment(number, since_1904).as_deref(), Some(moment));
        is(1.0, false, "1900-01-01");
        is(59.0, false, "1900-02-28");
        is(61.0, false, "1900-03-01");
        is(32_185.0, false, "1988-02-12");
        is(32_185.5, false, "1988-02-12T12:00:00Z");
        is(32_184.999_999_9, false, "1988-02-12");
        is(30_723.0, true, "1988-02-12");
        for none in [0.5, 60.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(moment(none, false), None, "{none}");
        }
    }
}

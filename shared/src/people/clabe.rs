//! CLABE, the 18 digits of a Mexican bank account: three of the bank, three of the city, eleven of the account, a check digit.
//!
//! Banks and cities are in files of lines separated by tabs: `code, tag, name` and `code, city`. The lists are never
//! complete: an unknown bank or city is reported as unknown and is not an error.

use std::sync::LazyLock;

use serde::Serialize;

static BANKS: LazyLock<Vec<[&str; 3]>> = LazyLock::new(|| {
    let parts =
        |line: &'static str| -> Option<[&'static str; 3]> { line.split('\t').collect::<Vec<_>>().try_into().ok() };
    include_str!("banks.tsv").lines().filter_map(parts).collect()
});
static CITIES: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| include_str!("clabe_cities.tsv").lines().filter_map(|line| line.split_once('\t')).collect());

/// What a CLABE says, in the shape of seed `002_62dc5acb5b5aea27`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    ok: bool,
    #[serde(rename = "formatOk")]
    format_ok: bool,
    error: Option<&'static str>,
    message: &'static str,
    clabe: String,
    /// The bank's short name.
    tag: Option<&'static str>,
    /// The bank's name.
    bank: Option<&'static str>,
    /// The cities that share the code, with their state.
    city: Option<&'static str>,
    /// Whether there are several.
    multiple: bool,
    /// The number of cities.
    total: usize,
    account: String,
    code: Code,
    checksum: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Code {
    bank: String,
    city: String,
}

/// What is wrong with a CLABE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("must be 18 digits")]
    Length,
    #[error("is not a valid CLABE: wrong check digit")]
    CheckDigit,
}

/// Reads a CLABE.
///
/// # Errors
/// What is wrong with it.
pub fn check(clabe: &str) -> Result<Report, Fault> {
    if clabe.len() != 18 || !clabe.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::Length);
    }
    let digits = clabe.bytes().map(|b| u32::from(b - b'0'));
    let sum: u32 = digits.take(17).zip([3, 7, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight % 10).sum();
    let checksum = (10 - sum % 10) % 10;
    if clabe[17..] != checksum.to_string() {
        return Err(Fault::CheckDigit);
    }
    let bank = BANKS.iter().find(|[code, ..]| *code == &clabe[..3]);
    let city = CITIES.iter().find(|(code, _)| *code == &clabe[3..6]).map(|(_, city)| *city);
    let total = city.map_or(0, |city| city.split(", ").count());
    Ok(Report {
        ok: true,
        format_ok: true,
        error: None,
        message: "Valid",
        clabe: clabe.to_owned(),
        tag: bank.map(|[_, tag, _]| *tag),
        bank: bank.map(|[_, _, name]| *name),
        city,
        multiple: total > 1,
        total,
        account: clabe[6..17].to_owned(),
        code: Code { bank: clabe[..3].to_owned(), city: clabe[3..6].to_owned() },
        checksum,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_seed_s_account_is_read_as_there() {
        let report = serde_json::to_value(check("002010077777777771").unwrap()).unwrap();
        let seed = serde_json::json!({
            "ok": true, "formatOk": true, "error": null, "message": "Valid", "clabe": "002010077777777771",
            "tag": "BANAMEX", "bank": "Banco Nacional de México", "city": "Aguascalientes MX-AGU", "multiple": false,
            "total": 1, "account": "07777777777", "code": {"bank": "002", "city": "010"}, "checksum": 1,
        });
        assert_eq!(report, seed);
    }

    #[test]
    fn a_wrong_digit_anywhere_is_seen() {
        let good = "002010077777777771";
        for at in 0..18 {
            let mut digits = good.as_bytes().to_vec();
            digits[at] = b'0' + (digits[at] - b'0' + 1) % 10;
            assert_eq!(check(&String::from_utf8(digits).unwrap()), Err(Fault::CheckDigit), "digit {at}");
        }
        for form in ["", "00201007777777777", "00201007777777777x"] {
            assert_eq!(check(form), Err(Fault::Length));
        }
    }

    #[test]
    fn a_bank_that_is_not_listed_is_no_fault() {
        let unknown = (0..10).find_map(|digit| check(&format!("99999900000000000{digit}")).ok()).unwrap();
        assert_eq!((unknown.tag, unknown.city, unknown.total), (None, None, 0));
    }
}

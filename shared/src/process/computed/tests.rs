//! Known good and bad values of every rule. Those without a remark are of `PROVIDERS.md`, "Check digits", where each was
//! recomputed by hand; MRZ specimens are of ICAO Doc 9303.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The checks of a document `country`/`kind`/`number` from which `extracted` was read, on 1 November 2026.
fn all(document: [&str; 3], extracted: Value) -> Vec<Check> {
    on("2026-11-01", document, extracted)
}

fn on(today: &str, [country, kind, number]: [&str; 3], extracted: Value) -> Vec<Check> {
    let request = serde_json::from_value(json!({
        "provider": "auco", "person": {"name": "Juan Pérez"},
        "document": {"country": country, "type": kind, "number": number},
    }));
    checks(&request.unwrap(), &serde_json::from_value(extracted).unwrap(), today.parse().unwrap())
}

/// How the check `name` ended and what it says, where it was made.
fn one(checks: &[Check], name: &str) -> Option<(Outcome, String)> {
    let check = checks.iter().find(|check| check.name == name)?;
    assert_eq!((check.source, &check.provider_code), (Source::Computed, &None));
    Some((check.outcome, check.detail.clone().unwrap_or_default()))
}

fn says(outcome: Outcome, detail: &str) -> Option<(Outcome, String)> {
    Some((outcome, detail.to_owned()))
}

fn mrz(lines: &[&str]) -> Option<(Outcome, String)> {
    one(&all(["CO", "CC", "1"], json!({"mrz": lines})), "mrz_check_digits")
}

fn spanish(number: &str, name: &str) -> Option<(Outcome, String)> {
    one(&all(["ES", "DNI", number], json!({})), name)
}

fn mexican(number: &str, name: &str) -> Option<(Outcome, String)> {
    one(&all(["MX", "INE", number], json!({})), name)
}

const TD1: [&str; 3] =
    ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"];
const TD2: [&str; 2] = ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"];
const TD3: [&str; 2] = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"];

#[test]
fn the_specimens_of_icao_hold_in_every_layout() {
    let spanish =
        ["IDESPBAA000589599999999R<<<<<<", "8001014F2501017ESP<<<<<<<<<<<7", "ESPANOLA<ESPANOLA<<CARMEN<<<<<"];
    let visa_a = ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<<<"];
    let visa_b = ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226"];
    for zone in [&TD1[..], &TD2, &TD3, &spanish, &visa_a, &visa_b] {
        assert_eq!(mrz(zone), says(Outcome::Passed, ""), "{zone:?}");
    }
}

#[test]
fn a_number_too_long_for_its_field_continues_in_the_optional_data() {
    // Doc 9303 part 5, note j: nine characters, a filler for the digit, the rest, the digit of the whole.
    let digit = ::mrz::check_digit("D23145890ABC").unwrap();
    let first = format!("I<UTOD23145890<ABC{digit}<<<<<<<<<<<");
    let composite = ::mrz::check_digit(&format!("{}74081221204159{}", &first[5..], "<".repeat(11)));
    let second = format!("7408122F1204159UTO<<<<<<<<<<<{}", composite.unwrap());
    assert_eq!(mrz(&[&first, &second, TD1[2]]), says(Outcome::Passed, ""));
    let wrong = first.replace("ABC", "ABD");
    assert_eq!(mrz(&[&wrong, &second, TD1[2]]).unwrap().1, "line 1 document number, line 2 composite");
}

#[test]
fn the_lines_may_come_in_one_text_or_run_together() {
    assert_eq!(mrz(&[&TD1.join("\n")]), says(Outcome::Passed, ""));
    assert_eq!(mrz(&[&TD1.concat()]), says(Outcome::Passed, ""));
    assert_eq!(mrz(&[&TD2.concat()]), says(Outcome::Passed, ""));
    assert_eq!(mrz(&[&TD3.join("\r\n ").to_lowercase()]), says(Outcome::Passed, ""));
    assert_eq!(mrz(&[]), None);
    assert_eq!(mrz(&["", " "]), None);
}

#[test]
fn a_wrong_digit_is_named_by_line_and_field() {
    let birth = TD3[1].replace("7408122", "7408123");
    assert_eq!(mrz(&[TD3[0], &birth]), says(Outcome::Failed, "line 2 birth date, line 2 composite"));
    let expiry = TD2[1].replace("1204159", "1204158");
    assert_eq!(mrz(&[TD2[0], &expiry]), says(Outcome::Failed, "line 2 expiry date, line 2 composite"));
    let number = TD1[0].replace("D231458907", "D231458908");
    assert_eq!(mrz(&[&number, TD1[1], TD1[2]]), says(Outcome::Failed, "line 1 document number, line 2 composite"));
    let composite = TD1[1].replace("<6", "<7");
    assert_eq!(mrz(&[TD1[0], &composite, TD1[2]]), says(Outcome::Failed, "line 2 composite"));
    let personal = TD3[1].replace("<10", "<20");
    assert_eq!(mrz(&[TD3[0], &personal]).unwrap().1, "line 2 personal number, line 2 composite");
    let foreign = TD3[0].replace("ANNA", "AÑNA");
    assert_eq!(mrz(&[&foreign, TD3[1]]), says(Outcome::Failed, "line 1 character"));
    let blank = TD2[1].replace("D23145890", "<23145890");
    assert_eq!(mrz(&[TD2[0], &blank]), says(Outcome::Failed, "line 2 document number"));
}

#[test]
fn the_zone_of_the_tecalis_sample_fails_although_the_provider_passes_it() {
    // Seed `000_…`, beside MRZ_VALIDATE OK.
    let zone = ["IDESPCJU99999912345678Z<<<<<<", "8811225M3205156ESP<<<<<<<<<<<2", "GARCIA<LOPEZ<<ALBERTO<<<<<<<<<"];
    assert_eq!(mrz(&zone), says(Outcome::Failed, "line 1 length, line 2 birth date, line 2 expiry date"));
}

#[test]
fn what_is_no_layout_of_icao_is_not_judged() {
    let french = ["IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6"];
    for zone in [&french[..], &TD1[..1], &["P<UTO"; 4]] {
        assert_eq!(mrz(zone), says(Outcome::Unknown, "layout"), "{zone:?}");
    }
    assert_eq!(mrz(&[&TD2[0].replacen('I', "X", 1), TD2[1]]), says(Outcome::Unknown, "layout"));
}

#[test]
fn the_letter_of_a_dni_is_its_number_modulo_23() {
    for good in ["12345678Z", "99999999R", "12.345.678-z", " 12345678 Z"] {
        assert_eq!(spanish(good, "dni_check_letter"), says(Outcome::Passed, "as requested"), "{good}");
    }
    // Of a Spaniard abroad: 0867756 modulo 23 is 12.
    assert_eq!(spanish("K0867756N", "dni_check_letter"), says(Outcome::Passed, "as requested"));
    for bad in ["12345678A", "99999999T", "K0867756A"] {
        assert_eq!(spanish(bad, "dni_check_letter"), says(Outcome::Failed, "as requested: check letter"), "{bad}");
    }
    for formless in ["12345678", "ABC123456", "1234567ñZ"] {
        assert_eq!(spanish(formless, "dni_check_letter"), says(Outcome::Failed, "form"), "{formless}");
    }
}

#[test]
fn the_letter_of_an_nie_counts_x_y_z_as_0_1_2() {
    // 12345678 and 22345678 modulo 23 are 14 and 11.
    for good in ["X2482300W", "Y2345678Z", "Z2345678M"] {
        assert_eq!(spanish(good, "nie_check_letter"), says(Outcome::Passed, "as requested"), "{good}");
        assert_eq!(spanish(good, "dni_check_letter"), None);
    }
    assert_eq!(spanish("X2482300A", "nie_check_letter"), says(Outcome::Failed, "as requested: check letter"));
    let formless = all(["ES", "NIE", "E12345678"], json!({}));
    assert_eq!(one(&formless, "nie_check_letter"), says(Outcome::Failed, "form"));
}

#[test]
fn spain_is_known_by_the_request_the_issuer_or_the_nationality() {
    let letter = |country, extracted| one(&all([country, "CC", "12345678A"], extracted), "dni_check_letter");
    let wrong = says(Outcome::Failed, "as requested: check letter");
    assert_eq!(letter("ES", json!({})), wrong);
    assert_eq!(letter("CO", json!({"nationality": "ESP"})), wrong);
    assert_eq!(letter("CO", json!({"issuing_state": "España"})), wrong);
    assert_eq!(letter("CO", json!({"issuing_state": "Colombia"})), None);
    // Peru has a DNI without a letter.
    assert_eq!(one(&all(["PE", "DNI", "12345678"], json!({"nationality": "ESP"})), "dni_check_letter"), None);
    // A passport's number has no letter to check.
    assert_eq!(one(&all(["ES", "PASSPORT", "AAA123456"], json!({})), "dni_check_letter"), None);
}

#[test]
fn the_extracted_number_precedes_the_requested_one() {
    let letter = |read| one(&all(["ES", "DNI", "12345678Z"], json!({"document_number": read})), "dni_check_letter");
    assert_eq!(letter("12345678A"), says(Outcome::Failed, "as read: check letter"));
    assert_eq!(letter("99999999R"), says(Outcome::Passed, "as read"));
    // The number of the card, not of the person.
    assert_eq!(letter("BAA000589"), says(Outcome::Passed, "as requested"));
}

#[test]
fn the_last_digit_of_a_curp_fits_the_others() {
    for good in ["PESJ880212HDFHLX01", "BOXW310820HNERXN09"] {
        assert_eq!(mexican(good, "curp_check_digit"), says(Outcome::Passed, "as requested"), "{good}");
    }
    assert_eq!(mexican("GOVM800705MCLMLR01", "curp_check_digit"), says(Outcome::Failed, "as requested: check digit"));
    let wrong_date = mexican("PESJ880231HDFHLX01", "curp_check_digit");
    assert_eq!(wrong_date, says(Outcome::Failed, "as requested: date"));
    // A clave de elector has 18 characters too.
    assert_eq!(mexican("GMVLMR80070501M100", "curp_check_digit"), None);
}

#[test]
fn n_with_tilde_counts_24_in_a_curp() {
    // N is 23, Ñ 24, O 25: with weight 18 each step adds 2 to the last digit.
    let digit =
        |first: char| (0..10).find(|last| passes(&format!("{first}ESJ880212HDFHLX0{last}"), "curp_check_digit"));
    assert_eq!(["N", "Ñ", "O"].map(|first| digit(first.chars().next().unwrap())), [Some(5), Some(7), Some(9)]);
    // The century of a birthday on 29 February.
    assert_eq!(mexican("PESJ000229HDFHLX01", "curp_check_digit").unwrap().1, "as requested: date");
    assert!(!mexican("PESJ000229HDFHLXA1", "curp_check_digit").unwrap().1.contains("date"));
}

fn passes(number: &str, name: &str) -> bool {
    mexican(number, name).is_some_and(|(outcome, _)| outcome == Outcome::Passed)
}

#[test]
fn an_rfc_that_does_not_fit_its_digit_is_a_warning() {
    for good in ["GODE561231GR8", "MAB9307148T4", "GODE-561231-GR8"] {
        assert_eq!(mexican(good, "rfc_check_digit"), says(Outcome::Passed, "as requested"), "{good}");
    }
    // Real, and in use.
    assert_eq!(mexican("VACE460910SX6", "rfc_check_digit"), says(Outcome::Warning, "as requested: check digit"));
    assert_eq!(mexican("GODE561331GR8", "rfc_check_digit"), says(Outcome::Warning, "as requested: date"));
    for generic in ["XAXX010101000", "XEXX010101000"] {
        assert_eq!(mexican(generic, "rfc_check_digit"), says(Outcome::Passed, "as requested: generic"));
    }
    // Ñ is 38 and & is 24, and each has one digit that fits.
    for letters in ["ÑAB", "A&B", "ÑOÑO"] {
        let fitting =
            "0123456789A".chars().filter(|last| passes(&format!("{letters}930714AB{last}"), "rfc_check_digit"));
        assert_eq!(fitting.count(), 1, "{letters}");
    }
    assert_eq!(mexican("1001001010", "rfc_check_digit"), None);
}

#[test]
fn mexican_numbers_are_found_under_the_provider_s_own_names() {
    let read = json!({"nationality": "MEX", "other": {"CURP": "PESJ880212HDFHLX01", "rfc_code": "nonsense"}});
    let found = all(["CO", "CC", "1"], read);
    assert_eq!(one(&found, "curp_check_digit"), says(Outcome::Passed, "as read"));
    assert_eq!(one(&found, "rfc_check_digit"), says(Outcome::Warning, "as read: form"));
    let called = all(["MX", "CURP", "12"], json!({}));
    assert_eq!(one(&called, "curp_check_digit"), says(Outcome::Failed, "as requested: form"));
    assert_eq!(one(&all(["CO", "CC", "PESJ880212HDFHLX01"], json!({})), "curp_check_digit"), None);
}

#[test]
fn a_document_is_valid_up_to_and_on_its_last_day() {
    let expiry = |date| one(&all(["CO", "CC", "1"], json!({"expiry_date": date})), "document_expiry");
    assert_eq!(expiry("2026-11-01"), says(Outcome::Passed, ""));
    assert_eq!(expiry("2032-05-15 10:01:00"), says(Outcome::Passed, ""));
    assert_eq!(expiry("9999-12-31"), says(Outcome::Passed, ""));
    assert_eq!(expiry("2026-10-31"), says(Outcome::Failed, ""));
    assert_eq!(expiry("2026-10-31T23:59:59Z"), says(Outcome::Failed, ""));
    assert_eq!(expiry("31/10/2026"), says(Outcome::Unknown, "not an ISO 8601 date"));
    assert_eq!(expiry("2026-02-29"), says(Outcome::Unknown, "not an ISO 8601 date"));
    assert_eq!(expiry(" "), None);
}

#[test]
fn a_person_is_of_age_from_the_eighteenth_birthday_on() {
    let adult = |today, birth: &str| {
        one(&on(today, ["CO", "CC", "1"], json!({"birth_date": birth})), "legal_age").map(|(outcome, _)| outcome)
    };
    assert_eq!(adult("2026-11-01", "2008-11-01"), Some(Outcome::Passed));
    assert_eq!(adult("2026-11-01", "2008-11-02"), Some(Outcome::Failed));
    assert_eq!(adult("2026-11-01", "2027-01-01"), Some(Outcome::Failed));
    // Born on 29 February: the eighteenth birthday always falls in a common year.
    assert_eq!(adult("2026-02-28", "2008-02-29"), Some(Outcome::Failed));
    assert_eq!(adult("2026-03-01", "2008-02-29"), Some(Outcome::Passed));
    // And asked on 29 February.
    assert_eq!(adult("2028-02-29", "2010-02-28"), Some(Outcome::Passed));
    assert_eq!(adult("2028-02-29", "2010-03-01"), Some(Outcome::Failed));
    assert_eq!(adult("2026-11-01", "15 May 1990"), Some(Outcome::Unknown));
}

#[test]
fn a_number_matches_the_requested_one_however_it_is_written() {
    let matches = |requested, read| {
        one(&all(["CO", "CC", requested], json!({"document_number": read})), "number_matches_request")
    };
    assert_eq!(matches("1001001010", "1.001.001.010"), says(Outcome::Passed, ""));
    assert_eq!(matches("ab-123", " AB 123"), says(Outcome::Passed, ""));
    assert_eq!(matches("1001001010", "1001001011"), says(Outcome::Failed, ""));
    assert_eq!(matches("01001010", "1001010"), says(Outcome::Failed, ""));
    assert_eq!(matches("1001001010", "-"), None);
    assert_eq!(one(&all(["CO", "CC", "1001001010"], json!({})), "number_matches_request"), None);
}

#[test]
fn where_there_is_nothing_to_compute_from_there_are_no_checks() {
    assert_eq!(all(["CO", "CC", "1001001010"], json!({})), []);
}

/// Text that comes near to what is checked, with characters of several bytes in it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,100}",
        "[A-ZÑ0-9<&é🂡]{0,50}",
        "[A-ZÑ<0-9é]{30}",
        "[A-ZÑ<0-9é]{36}",
        "[PVI<][A-Z<0-9Ñ]{43}",
        "[A-ZÑ&]{3,4}[0-9]{6}[A-Z0-9Ñ]{3}",
        "[A-ZÑ]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9]",
        "[XYZKLM0-9é][0-9é]{7}[A-Zé]",
        "-?[0-9]{4,6}-[0-9]{2}-[0-9]{2}[T ]?.{0,9}",
    ]
}

proptest! {
    #[test]
    fn no_input_panics_or_shows_in_a_detail(
        numbers in proptest::array::uniform2(text()), zone in proptest::collection::vec(text(), 0..5),
        dates in proptest::array::uniform2(text()), other in text(), country in "ES|MX|CO|.{0,3}",
    ) {
        let [number, requested] = &numbers;
        let read = json!({
            "document_number": number, "mrz": zone, "expiry_date": dates[0], "birth_date": dates[1],
            "nationality": country, "other": {"curp": other, "rfc": other},
        });
        for check in all([&country, "DNI", requested], read) {
            let detail = check.detail.unwrap_or_default();
            prop_assert!(detail.chars().all(|c| c.is_ascii_lowercase() || ",: 1239ISO860".contains(c)), "{}", detail);
        }
    }
}

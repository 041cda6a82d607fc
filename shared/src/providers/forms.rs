//! Forms of what customers type, where more than one company wants the same one.

use super::FieldProblem;
use crate::process::request::Person;

/// Bytes of an e-mail address.
pub const MAX_EMAIL: usize = 254;

/// What is wrong with the person's phone and e-mail address, where they are given.
pub fn check_contact(person: &Person) -> Vec<FieldProblem> {
    let mut problems = Vec::new();
    if let Some(phone) = &person.phone
        && !is_e164(phone.expose())
    {
        problems.push(FieldProblem::new("person.phone", "must be + and 8 to 15 digits, country code first"));
    }
    if let Some(email) = &person.email
        && !is_email(email.expose())
    {
        problems.push(FieldProblem::new("person.email", "must be an e-mail address"));
    }
    problems
}

/// E.164: `+`, a country code that does not begin with 0, 8 to 15 digits in all.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// One `@` with something plausible on both sides; whether it exists only a message can tell.
pub fn is_email(text: &str) -> bool {
    has_email_form(text) && text.rsplit('@').next().is_some_and(|host| host.contains('.'))
}

/// As [`is_email`], also where the host is one word, as in the samples of seed `002_62dc5acb5b5aea27`.
pub fn has_email_form(text: &str) -> bool {
    text.len() <= MAX_EMAIL
        && !text.contains(|sign: char| sign.is_whitespace() || sign.is_control())
        && text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.contains('@') && host.split('.').all(|part| !part.is_empty())
        })
}

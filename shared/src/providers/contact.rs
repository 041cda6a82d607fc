//! Forms of what customers type, where more than one company wants the same one.

use crate::{
    common::{
        FieldError,
        values::{email, phone},
    },
    process::request::Person,
};

/// What is wrong with the person's phone and e-mail address, where they are given: they are in the form in which they are kept,
/// where they have one.
pub fn check_contact(person: &Person) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if let Some(phone) = &person.phone
        && phone::international(phone.expose()).as_ref() != Some(phone.expose())
    {
        problems.push(FieldError::new("person.phone", "must be a phone number: +, country code, number"));
    }
    if let Some(email) = &person.email
        && !is_email(email.expose())
    {
        problems.push(FieldError::new("person.email", "must be an e-mail address"));
    }
    problems
}

/// An e-mail address and nothing around it, with a host that anybody can reach; whether it exists only a message can tell.
pub fn is_email(text: &str) -> bool {
    email::public_address(text).as_deref() == Some(text)
}

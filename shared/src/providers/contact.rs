//! Validation of phone and e-mail, for providers that need them.

use crate::{
    common::{
        FieldError,
        values::{email, phone},
    },
    process::request::Person,
};

/// The problems of the person's phone and e-mail address, which are already in canonical form where they are valid.
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

/// An e-mail address with a public host. Only a message can show whether it exists.
pub fn is_email(text: &str) -> bool {
    email::public_address(text).as_deref() == Some(text)
}

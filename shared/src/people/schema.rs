//! Fields: who may set each, and reading those of a request.

use super::{FieldType, Fields};
use crate::common::{FieldError, RawJson};

const CANNOT_BE_SET: &str = "cannot be set";

#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub form: FieldType,
    access: Access,
}

/// Who may set a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The customer must, when creating a record.
    Required,
    /// The customer may; `null` empties it.
    Optional,
    /// Only we may; a request that sets it is refused.
    ReadOnly,
    /// The customer may, for this request only: it is neither stored nor shown.
    WriteOnly,
}

impl Field {
    #[must_use]
    pub const fn required(name: &'static str, form: FieldType) -> Self {
        Self { name, form, access: Access::Required }
    }

    #[must_use]
    pub const fn optional(name: &'static str, form: FieldType) -> Self {
        Self { name, form, access: Access::Optional }
    }

    #[must_use]
    pub const fn read_only(name: &'static str, form: FieldType) -> Self {
        Self { name, form, access: Access::ReadOnly }
    }

    #[must_use]
    pub const fn write_only(name: &'static str, form: FieldType) -> Self {
        Self { name, form, access: Access::WriteOnly }
    }

    /// Whether it is stored and shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.access != Access::WriteOnly
    }

    /// Whether a customer may set it.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.access != Access::ReadOnly
    }

    #[must_use]
    pub fn is_required(&self) -> bool {
        self.access == Access::Required
    }

    /// What is shown where there is no value.
    #[must_use]
    pub fn absent(&self) -> RawJson {
        if self.access == Access::ReadOnly && self.form == FieldType::Boolean {
            RawJson::of(&false)
        } else {
            RawJson::null()
        }
    }
}

/// What was read from a request.
#[derive(Debug, Default)]
pub struct Read {
    /// The valid values, as they are stored.
    pub given: Fields,
    pub problems: Vec<FieldError>,
}

/// Reads the values of a request; a new record must have every required field.
#[must_use]
pub fn read(fields: &[Field], given: &Fields, new: bool) -> Read {
    let mut read = Read::default();
    for (name, value) in given {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            let fault = if name == "id" { CANNOT_BE_SET } else { "is not a known field" };
            read.problems.push(FieldError::new(name, fault));
            continue;
        };
        let required = field.access == Access::Required;
        match field.form.read(value) {
            _ if field.access == Access::ReadOnly => read.problems.push(FieldError::new(name, CANNOT_BE_SET)),
            _ if value.is_null() && required => read.problems.push(FieldError::new(name, "is required")),
            _ if value.is_null() => drop(read.given.insert(name.clone(), RawJson::null())),
            Ok(value) => drop(read.given.insert(name.clone(), value)),
            Err(must) => read.problems.push(FieldError::new(name, must)),
        }
    }
    if new {
        let missing = fields.iter().filter(|f| f.access == Access::Required && !given.contains_key(f.name));
        read.problems.extend(missing.map(|field| FieldError::new(field.name, "is required")));
    }
    read
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_invalid_field_is_reported_at_once() {
        const FIELDS: [Field; 3] = [
            Field::required("name", FieldType::Text),
            Field::optional("email", FieldType::Email),
            Field::read_only("checked", FieldType::Boolean),
        ];
        let given = serde_json::from_str(r#"{"email":5,"checked":true,"more":1}"#).unwrap();
        let problems: Vec<_> = read(&FIELDS, &given, true).problems.into_iter().map(|p| (p.field, p.message)).collect();
        let is = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(
            problems,
            [
                is("checked", "cannot be set"),
                is("email", "must be an e-mail address"),
                is("more", "is not a known field"),
                is("name", "is required")
            ]
        );
    }
}

//! Catalogs of the customer's own, and their values.

use jiff::Timestamp;

use crate::{
    common::{FieldError, RawJson},
    people::{
        Family, Field, FieldType, Fields, Kind, Owner,
        family::{Change, Names, SHORT_PAGE},
        typed,
    },
};

pub static CATALOGS: Family = Family {
    owner: None,
    per_page: Some(SHORT_PAGE),
    derived: &["values", "values_next_page_url"],
    ..Family::of_person(
        Kind::Catalog,
        Names { path: "/catalogs", noun: "catalog", resource: "custom_catalog" },
        &[Field::required("name", FieldType::Name), Field::optional("description", FieldType::Text)],
    )
};

/// The values of catalogs, each of one of six types.
pub static CATALOG_VALUES: Family = Family {
    owner: Some(Owner { field: "custom_catalog_id", kind: Kind::Catalog }),
    validate_and_derive: Some(validate_value),
    per_page: Some(SHORT_PAGE),
    listed: Some("value"),
    ..Family::of_person(
        Kind::CatalogValue,
        Names { path: "/catalog-values", noun: "catalog value", resource: "custom_catalog_value" },
        &[
            Field::required("custom_catalog_id", FieldType::Id),
            Field::required("label", FieldType::Name),
            Field::required("type", FieldType::Word(&typed::TYPES)),
            Field::required("value", FieldType::Any),
            Field::optional("groups", FieldType::Texts),
        ],
    )
};

/// Checks `value` against `type`, whichever of the two the request changes.
fn validate_value(fields: &mut Fields, _: &Change<'_>, _now: Timestamp) -> Vec<FieldError> {
    let kind = fields.get("type").and_then(RawJson::read::<String>).unwrap_or_default();
    let Some(form) = typed::form(&kind) else { return Vec::new() };
    match fields.get("value").map(|value| form.read(value)) {
        Some(Ok(value)) => {
            fields.insert("value".to_owned(), value);
            Vec::new()
        }
        Some(Err(must)) => vec![FieldError::new("value", must)],
        None => Vec::new(),
    }
}

//! Unique values, as the table stores them: by their hashes.

use crate::{
    people::{Family, Fields},
    platform::{
        SecretsError,
        secrets::{keyed_hash, unique_keys::UniqueKeys},
    },
    store::unique::Unique,
};

/// The unique values among the fields of a record.
///
/// # Errors
/// A key is unusable.
pub(in crate::workflow) fn uniques(
    family: &Family,
    fields: &Fields,
    keys: &UniqueKeys,
) -> Result<Vec<Unique>, SecretsError> {
    let value = |field: &&'static str| Some((*field, fields.get(*field)?.read::<String>()?));
    family.unique.iter().filter_map(value).map(|(field, value)| unique(field, &value, keys)).collect()
}

/// A value of a unique field.
///
/// # Errors
/// A key is unusable.
pub(super) fn unique(field: &'static str, value: &str, keys: &UniqueKeys) -> Result<Unique, SecretsError> {
    let text = format!("{field}\u{0}{value}");
    let hashes = keys.iter().map(|key| Ok(keyed_hash(&text, &key.key.bytes()?)));
    Ok(Unique { field, hashes: hashes.collect::<Result<_, SecretsError>>()? })
}

//! Which deployment is meant: the local one's file `functions.env`, or the environment's settings, as a function reads them.

use std::{collections::HashMap, path::Path};

use crate::AdminError;

/// The settings of the local system in `local`, or of the environment.
///
/// # Errors
/// The local system's file cannot be read: it is there while the system is up.
pub fn read(local: Option<&Path>) -> Result<HashMap<String, String>, AdminError> {
    let Some(local) = local else {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        return Ok(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect());
    };
    let file = local.join("functions.env");
    let lines = std::fs::read_to_string(&file).map_err(|source| AdminError::File {
        what: format!("{} (is `cargo local` running?)", file.display()),
        source,
    })?;
    Ok(lines.lines().filter_map(|line| line.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
}

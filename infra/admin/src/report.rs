//! The output of a command: lines of text, or JSON.

use std::io::Write;

use cotejo::store::tenants::MAX_NAME_CHARS;
use serde::Serialize;
use serde_json::Value;

use crate::AdminError;

/// The output of a command. It may hold a secret that is shown once, so it has no `Debug` or `Display`.
pub struct Report {
    value: Value,
    lines: Option<Vec<String>>,
}

impl Report {
    /// A report without lines.
    ///
    /// # Errors
    /// It cannot be JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, AdminError> {
        let value = serde_json::to_value(value);
        Ok(Self { value: value.map_err(|_| AdminError::Input("cannot be shown as JSON".to_owned()))?, lines: None })
    }

    /// A report with lines.
    ///
    /// # Errors
    /// It cannot be JSON.
    pub fn new(value: &impl Serialize, lines: Vec<String>) -> Result<Self, AdminError> {
        Ok(Self { lines: Some(lines), ..Self::json(value)? })
    }

    /// The report as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The report as lines of text.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.lines {
            Some(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
            None => format!("{:#}\n", self.value),
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// `to` fails.
    pub fn write(&self, as_json: bool, to: &mut impl Write) -> Result<(), AdminError> {
        let text = if as_json { format!("{:#}\n", self.value) } else { self.text() };
        to.write_all(text.as_bytes()).map_err(|source| AdminError::File { what: "standard output".to_owned(), source })
    }
}

/// Checks a name: one line of 1 to 200 characters.
pub(crate) fn name(name: &str) -> Result<String, AdminError> {
    let trimmed = name.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&trimmed.chars().count()) && !trimmed.chars().any(char::is_control);
    let problem = || AdminError::Input("--name must have 1 to 200 characters, on one line".to_owned());
    fits.then(|| trimmed.to_owned()).ok_or_else(problem)
}

//! The columns of a file of rows, and a row's cells in them.

use std::collections::HashMap;

use super::{Cell, Row};

/// The name that pandas gives to the column of its own row numbers.
const INDEX: &str = "unnamed: 0";

/// The columns in order, without unnamed ones at the end.
#[derive(Default)]
pub struct Columns {
    /// The names, in lower case.
    names: Vec<String>,
}

impl Columns {
    /// # Errors
    /// A column is there twice.
    pub(super) fn of(head: &Row) -> Result<Self, String> {
        let mut names: Vec<_> = head.cells.iter().map(|cell| name(&cell.text)).collect();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        if let Some(first) = names.first_mut().filter(|first| *first == INDEX) {
            first.clear();
        }
        let mut places = HashMap::new();
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            // The message does not contain the name: without a header line it may be personal data.
            if let Some(earlier) = places.insert(name, at) {
                return Err(format!("has two columns of the same name, number {} and {}", earlier + 1, at + 1));
            }
        }
        Ok(Self { names })
    }

    /// Whether `head` has a column of that name, even if it is not a valid header line.
    pub(super) fn are_with(column: &str, head: &Row) -> bool {
        head.cells.iter().any(|cell| name(&cell.text) == column)
    }

    /// Whether there is a column of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// The number, from 1, of the first named column that is unknown.
    #[must_use]
    pub fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Option<usize> {
        self.names.iter().position(|name| !name.is_empty() && !is_known(name)).map(|at| at + 1)
    }

    /// The cells of a row in named columns, and what is wrong with the row as a whole.
    pub fn cells<'a>(&'a self, row: &'a Row) -> (impl Iterator<Item = (&'a str, &'a Cell)>, Option<&'a str>) {
        let fault = row.fault.as_deref().or_else(|| self.stray(row));
        let named = self.names.iter().map(String::as_str).zip(&row.cells).filter(|(name, _)| !name.is_empty());
        (named, fault)
    }

    /// Whether there is a cell without a column.
    fn stray(&self, row: &Row) -> Option<&'static str> {
        let is_named = |at: usize| self.names.get(at).is_some_and(|name| !name.is_empty());
        // pandas writes row numbers into an unnamed first column.
        let is_index = |at: usize, cell: &Cell| {
            at == 0 && !self.names.is_empty() && cell.text.trim().bytes().all(|byte| byte.is_ascii_digit())
        };
        let stray =
            row.cells.iter().enumerate().find(|(at, cell)| !is_named(*at) && !cell.is_blank() && !is_index(*at, cell));
        stray.map(|(at, _)| {
            if at < self.names.len() {
                "has a value in a column without a name"
            } else {
                "has more cells than there are columns"
            }
        })
    }
}

/// A normalized column name. Concatenated files have byte order marks in the middle.
fn name(text: &str) -> String {
    text.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}')).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_columns_as_a_file_can_have_are_compared_in_time() {
        let head = |names: Vec<String>| Row { line: 1, cells: names.into_iter().map(Cell::of).collect(), fault: None };
        let mut names: Vec<_> = (0..500_000).map(|number| number.to_string()).collect();
        assert!(Columns::of(&head(names.clone())).is_ok());
        names.push("7".to_owned());
        let refused = Columns::of(&head(names)).err();
        assert_eq!(refused.as_deref(), Some("has two columns of the same name, number 8 and 500001"));
    }
}

//! A value of the template with its place in the file, so that every error can name it.

use serde_json::Value;

use super::TemplateError;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, path: String) -> Self {
        Self { value, path }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::new(&self.path, problem)
    }

    /// The value under `key`, if there is one.
    pub(super) fn optional(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key)?;
        Some(Node::new(value, format!("{}.{key}", self.path)))
    }

    pub(super) fn required(&self, key: &str) -> Result<Node<'a>, TemplateError> {
        self.optional(key).ok_or_else(|| self.error(format!("{key} is missing")))
    }

    /// Refuses every key that is not in `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), TemplateError> {
        for (key, entry) in self.entries()? {
            if !known.contains(&key) {
                return Err(entry.error("this property is not known locally"));
            }
        }
        Ok(())
    }

    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Node<'a>)>, TemplateError> {
        let object = self.value.as_object().ok_or_else(|| self.error("must be a mapping"))?;
        Ok(object.iter().map(|(key, value)| (key.as_str(), Node::new(value, format!("{}.{key}", self.path)))).collect())
    }

    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, TemplateError> {
        let array = self.value.as_array().ok_or_else(|| self.error("must be a list"))?;
        Ok(array.iter().enumerate().map(|(i, value)| Node::new(value, format!("{}[{i}]", self.path))).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, TemplateError> {
        self.value.as_str().ok_or_else(|| self.error("must be text"))
    }

    /// Text, or a number or truth value written as CloudFormation would write it.
    pub(super) fn scalar(&self) -> Result<String, TemplateError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            _ => Err(self.error("must be a single value")),
        }
    }

    pub(super) fn number(&self) -> Result<u64, TemplateError> {
        self.scalar()?.parse().map_err(|_| self.error("must be a whole number"))
    }

    pub(super) fn truth(&self) -> Result<bool, TemplateError> {
        self.scalar()?.parse().map_err(|_| self.error("must be true or false"))
    }
}

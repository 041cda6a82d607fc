//! Reading JSON into a type, with an error that says which field is invalid and what it must be.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::FieldError;

/// Reads a JSON value as a type that refuses unknown fields. `root` is the value's own path, `""` for a body.
///
/// # Errors
/// The first field that is missing, unknown or of another type. The message never contains the value.
pub fn shape<T: DeserializeOwned>(value: &Value, root: &str) -> Result<T, FieldError> {
    let mut track = serde_path_to_error::Track::new();
    let mut unknown = None;
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let result: Result<T, serde_json::Error> = serde_ignored::deserialize(tracked, |path| {
        unknown.get_or_insert_with(|| brackets(&path.to_string()));
    });
    let at = |path: &str| match (root, path) {
        ("", path) => path.to_owned(),
        (root, "" | ".") => root.to_owned(),
        (root, path) => format!("{root}.{path}"),
    };
    match (result, unknown) {
        (Ok(_), Some(path)) => Err(FieldError::new(at(&path), "is not a known field")),
        (Ok(value), None) => Ok(value),
        (Err(error), _) => {
            let path = track.path().to_string();
            let path = if path == "." { "" } else { path.as_str() };
            Err(explain(&error.to_string(), path, at))
        }
    }
}

/// Writes `list.0.field` as `list[0].field`, like serde elsewhere, and drops the `?` of an optional value.
fn brackets(path: &str) -> String {
    let mut written = String::new();
    for part in path.split('.').filter(|part| *part != "?") {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            written.push_str(&format!("[{part}]"));
        } else {
            let dot = if written.is_empty() { "" } else { "." };
            written.push_str(&format!("{dot}{part}"));
        }
    }
    written
}

/// Turns serde's message into ours: the field, and what it must be.
fn explain(error: &str, path: &str, at: impl Fn(&str) -> String) -> FieldError {
    let below = |name: &str| if path.is_empty() { at(name) } else { at(&format!("{path}.{name}")) };
    if let Some(name) = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        FieldError::new(below(name), "is required")
    } else if let Some(name) = error.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        FieldError::new(if path.ends_with(name) { at(path) } else { below(name) }, "is not a known field")
    } else if ["invalid ", "unknown variant"].iter().any(|start| error.starts_with(start))
        && let Some((_, expected)) = error.rsplit_once("expected ")
    {
        let expected = if expected.starts_with("struct ") { "an object".to_owned() } else { expected.replace('`', "") };
        FieldError::new(at(path), format!("must be {expected}"))
    } else {
        FieldError::new(at(path), form(error))
    }
}

/// What a text must be, by the name of the type that could not read it.
fn form(error: &str) -> &'static str {
    if error.contains("UUID") {
        "must be a UUID"
    } else if ["date", "time", "offset", "year", "month", "day"].iter().any(|word| error.contains(word)) {
        "must be a moment such as 2026-12-31T23:59:59Z"
    } else {
        "does not have the right form"
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: u8,
    }

    fn problem(value: &Value, root: &str) -> (String, String) {
        let problem = shape::<Outer>(value, root).unwrap_err();
        (problem.field, problem.message)
    }

    #[test]
    fn the_error_names_the_field_and_never_the_value() {
        let is = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(problem(&json!({"name": "x"}), ""), is("inner", "is required"));
        assert_eq!(problem(&json!({"inner": []}), "options"), is("options.name", "is required"));
        assert_eq!(problem(&json!({"name": "x", "inner": [{}]}), ""), is("inner[0].count", "is required"));
        assert_eq!(problem(&json!({"name": 5, "inner": []}), ""), is("name", "must be a string"));
        assert_eq!(
            problem(&json!({"name": "x", "inner": [{"count": "secret"}]}), ""),
            is("inner[0].count", "must be u8")
        );
        let unknown = json!({"name": "x", "inner": [{"count": 1, "more": 2}]});
        assert_eq!(problem(&unknown, ""), is("inner[0].more", "is not a known field"));
    }

    #[test]
    fn an_invalid_text_is_told_what_it_must_be() {
        for text in ["yesterday", "", "2027-01-01", "2027-01-01T00:00:00", "2027-13-01T00:00:00Z", "1"] {
            let problem = shape::<jiff::Timestamp>(&json!(text), "until").unwrap_err();
            assert_eq!(problem.message, "must be a moment such as 2026-12-31T23:59:59Z", "{text}");
        }
        for text in ["nope", "", "00000000-0000-0000-0000-00000000000g"] {
            assert_eq!(shape::<uuid::Uuid>(&json!(text), "id").unwrap_err().message, "must be a UUID", "{text}");
        }
    }
}

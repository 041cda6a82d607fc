//! Lambda's event filter patterns, for records of a table stream.
//!
//! A pattern is a JSON object whose leaves are lists of rules: a record matches if every leaf matches, and a leaf
//! matches if one of its rules does. Known rules: a text, a number, `null`, `{"exists": …}`, `{"prefix": …}` and
//! `{"anything-but": […]}`. Only leaves can be looked at: `exists` about an object is false, as on Lambda.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    leaves: Vec<Leaf>,
}

#[derive(Debug, Clone, PartialEq)]
struct Leaf {
    path: Vec<String>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Equals(Value),
    Exists(bool),
    Prefix(String),
    AnythingBut(Vec<Value>),
}

impl Filter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is not known, or no pattern.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let pattern: Value = serde_json::from_str(pattern).map_err(|error| format!("is not JSON: {error}"))?;
        let mut leaves = Vec::new();
        collect(&pattern, &mut Vec::new(), &mut leaves)?;
        Ok(Self { leaves })
    }

    /// Whether `record` matches.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        self.leaves.iter().all(|leaf| {
            let found = leaf.path.iter().try_fold(record, |value, key| value.get(key));
            leaf.rules.iter().any(|rule| rule.matches(found))
        })
    }
}

fn collect(pattern: &Value, path: &mut Vec<String>, leaves: &mut Vec<Leaf>) -> Result<(), String> {
    match pattern {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, entry) in entries {
                if key.starts_with('$') {
                    return Err(format!("{key} is not known locally"));
                }
                path.push(key.clone());
                collect(entry, path, leaves)?;
                path.pop();
            }
            Ok(())
        }
        Value::Array(rules) if !rules.is_empty() && !path.is_empty() => {
            let rules = rules.iter().map(Rule::parse).collect::<Result<_, _>>()?;
            leaves.push(Leaf { path: path.clone(), rules });
            Ok(())
        }
        _ => Err(format!("{} must be an object, or a list of rules", path.join("."))),
    }
}

impl Rule {
    fn parse(rule: &Value) -> Result<Self, String> {
        let Value::Object(entries) = rule else {
            return match rule {
                Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => Ok(Self::Equals(rule.clone())),
                _ => Err(format!("rule {rule} is not known locally")),
            };
        };
        let mut entries = entries.iter();
        match (entries.next().map(|(name, argument)| (name.as_str(), argument)), entries.next()) {
            (Some(("exists", Value::Bool(exists))), None) => Ok(Self::Exists(*exists)),
            (Some(("prefix", Value::String(prefix))), None) => Ok(Self::Prefix(prefix.clone())),
            (Some(("anything-but", Value::Array(values))), None)
                if values.iter().all(|value| value.is_string() || value.is_number()) =>
            {
                Ok(Self::AnythingBut(values.clone()))
            }
            (Some(("anything-but", value @ (Value::String(_) | Value::Number(_)))), None) => {
                Ok(Self::AnythingBut(vec![value.clone()]))
            }
            _ => Err(format!("rule {rule} is not known locally")),
        }
    }

    fn matches(&self, found: Option<&Value>) -> bool {
        // A leaf may be a list: it matches if one of its members does.
        let found = match found {
            Some(Value::Object(_)) => None,
            other => other,
        };
        match (self, found) {
            (Self::Exists(exists), found) => found.is_some() == *exists,
            (_, Some(Value::Array(members))) => members.iter().any(|member| self.matches(Some(member))),
            (Self::Equals(value), Some(found)) => value == found,
            (Self::Prefix(prefix), Some(Value::String(found))) => found.starts_with(prefix),
            (Self::AnythingBut(values), Some(found)) => !values.contains(found),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lets_through(pattern: &Value, record: &Value) -> bool {
        Filter::parse(&pattern.to_string()).expect("pattern").matches(record)
    }

    #[test]
    fn exists_sees_leaves_only() {
        let pattern = json!({"dynamodb": {"NewImage": {"wake_token": {"S": [{"exists": true}]}}}});
        let record = json!({"dynamodb": {"NewImage": {"wake_token": {"S": "x"}}}});
        assert!(lets_through(&pattern, &record));
        assert!(!lets_through(&pattern, &json!({"dynamodb": {"NewImage": {"other": {"S": "x"}}}})));
        let object = json!({"dynamodb": {"NewImage": {"wake_token": [{"exists": true}]}}});
        assert!(!lets_through(&object, &record), "an object is not a leaf");
    }

    #[test]
    fn every_leaf_must_match_and_one_rule_of_each() {
        let pattern = json!({"eventName": ["INSERT", "MODIFY"], "a": {"b": [{"prefix": "x"}]}});
        assert!(lets_through(&pattern, &json!({"eventName": "MODIFY", "a": {"b": "xy"}})));
        assert!(!lets_through(&pattern, &json!({"eventName": "REMOVE", "a": {"b": "xy"}})));
        assert!(!lets_through(&pattern, &json!({"eventName": "MODIFY", "a": {"b": "y"}})));
    }

    #[test]
    fn anything_but_needs_a_value() {
        let pattern = json!({"a": [{"anything-but": ["x"]}]});
        assert!(lets_through(&pattern, &json!({"a": "y"})));
        assert!(!lets_through(&pattern, &json!({"a": "x"})));
        assert!(!lets_through(&pattern, &json!({})));
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        for pattern in [
            json!({"a": [{"numeric": [">", 1]}]}),
            json!({"a": [{"exists": "yes"}]}),
            json!({"a": "x"}),
            json!({"$or": [{"a": ["x"]}]}),
            json!([]),
        ] {
            assert!(Filter::parse(&pattern.to_string()).is_err(), "{pattern}");
        }
    }
}

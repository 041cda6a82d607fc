//! CloudFormation's intrinsic functions, resolved with local values.
//!
//! `Ref`, `Fn::Sub`, `Fn::GetAtt`, `Fn::Join`, `Fn::Split`, `Fn::Select`, `Fn::If` and the conditions are known; every other one is
//! an error. All of `Resources` is resolved, also what is not used locally.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Place, TemplateError};

/// Parses the YAML and writes its short tags (`!Ref x`) in their long form (`{"Ref": "x"}`).
pub(super) fn parse(yaml: &str) -> Result<Value, TemplateError> {
    let document: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(yaml).map_err(|error| TemplateError::new("the file", error.to_string()))?;
    untag(&document, "")
}

fn untag(value: &serde_yaml_ng::Value, path: &str) -> Result<Value, TemplateError> {
    use serde_yaml_ng::Value as Yaml;
    Ok(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(truth) => Value::Bool(*truth),
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Number(number) => serde_json::to_value(number).map_err(|e| TemplateError::new(path, e.to_string()))?,
        Yaml::Sequence(items) => Value::Array(
            items.iter().enumerate().map(|(i, item)| untag(item, &format!("{path}[{i}]"))).collect::<Result<_, _>>()?,
        ),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, entry) in entries {
                let key = match key {
                    Yaml::String(key) => key.clone(),
                    Yaml::Number(key) => key.to_string(),
                    _ => return Err(TemplateError::new(path, "a key must be text")),
                };
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                object.insert(key, untag(entry, &path)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let argument = untag(&tagged.value, path)?;
            let (name, argument) = match (tag.trim_start_matches('!'), argument) {
                ("Ref", argument) => ("Ref".to_owned(), argument),
                ("Condition", argument) => ("Condition".to_owned(), argument),
                ("GetAtt", Value::String(text)) => {
                    let (resource, attribute) = text
                        .split_once('.')
                        .ok_or_else(|| TemplateError::new(path, "!GetAtt needs a resource and an attribute"))?;
                    ("Fn::GetAtt".to_owned(), Value::from(vec![resource, attribute]))
                }
                (name, argument) => (format!("Fn::{name}"), argument),
            };
            Value::Object(Map::from_iter([(name, argument)]))
        }
    })
}

/// Resolves intrinsics against one document and one place.
pub(super) struct Resolver<'a> {
    document: &'a Value,
    place: &'a Place,
    parameters: BTreeMap<String, Value>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(document: &'a Value, place: &'a Place) -> Result<Self, TemplateError> {
        let empty = Map::new();
        let declared = document.get("Parameters").and_then(Value::as_object).unwrap_or(&empty);
        let mut parameters = BTreeMap::new();
        for (name, parameter) in declared {
            let value = place.parameters.get(name).map(|value| Value::from(value.as_str()));
            let value = value.or_else(|| parameter.get("Default").cloned()).ok_or_else(|| {
                TemplateError::new(&format!("Parameters.{name}"), "has no default and no value is known locally")
            })?;
            parameters.insert(name.clone(), value);
        }
        Ok(Self { document, place, parameters })
    }

    /// Every resource whose condition holds, resolved.
    pub(super) fn resources(&self) -> Result<BTreeMap<String, Value>, TemplateError> {
        self.resources_where(true)
    }

    /// Every resource that its condition leaves out, resolved, with the name of the one that is there already in its place, where the
    /// parameter called after it says so.
    pub(super) fn existing(&self) -> Result<Vec<(String, Value, String)>, TemplateError> {
        let left_out = self.resources_where(false)?.into_iter();
        Ok(left_out.filter_map(|(id, resource)| self.existing_name(&id).map(|name| (id, resource, name))).collect())
    }

    fn existing_name(&self, id: &str) -> Option<String> {
        let name = self.parameters.get(&format!("Existing{id}"))?.as_str()?;
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn resources_where(&self, wanted: bool) -> Result<BTreeMap<String, Value>, TemplateError> {
        let mut resolved = BTreeMap::new();
        for (id, resource) in self.raw_resources()? {
            let path = format!("Resources.{id}");
            let is_made = match resource.get("Condition").and_then(Value::as_str) {
                Some(condition) => self.condition(condition, &path, &mut BTreeSet::new())?,
                None => true,
            };
            if is_made != wanted {
                continue;
            }
            let mut resource = resource.clone();
            if let Some(object) = resource.as_object_mut() {
                object.remove("Condition");
            }
            resolved.insert(id.clone(), self.resolve(&resource, &path)?);
        }
        Ok(resolved)
    }

    /// `Globals.{kind}`, resolved; an empty mapping where there is none.
    pub(super) fn globals(&self, kind: &str) -> Result<Value, TemplateError> {
        match self.document.get("Globals").and_then(|globals| globals.get(kind)) {
            Some(globals) => self.resolve(globals, &format!("Globals.{kind}")),
            None => Ok(Value::Object(Map::new())),
        }
    }

    /// What `!Ref id` gives for a resource.
    pub(super) fn reference(&self, id: &str) -> Result<String, TemplateError> {
        let path = format!("Resources.{id}");
        let resource = self.raw_resources()?.get(id).ok_or_else(|| TemplateError::new(&path, "no such resource"))?;
        let named = |property: &str| -> Result<Option<String>, TemplateError> {
            let Some(name) = resource.get("Properties").and_then(|properties| properties.get(property)) else {
                return Ok(None);
            };
            let path = format!("{path}.Properties.{property}");
            match self.resolve(name, &path)? {
                Value::String(name) => Ok(Some(name)),
                Value::Null => Ok(None),
                _ => Err(TemplateError::new(&path, "must be text")),
            }
        };
        let given = format!("{}-{}", self.place.stack, id.to_lowercase());
        let arn = |service: &str, rest: &str| self.arn(service, &format!("{rest}{given}"));
        Ok(match resource.get("Type").and_then(Value::as_str).unwrap_or_default() {
            "AWS::DynamoDB::Table" => named("TableName")?.unwrap_or(given),
            "AWS::S3::Bucket" => named("BucketName")?.unwrap_or(given),
            "AWS::Serverless::Function" => named("FunctionName")?.unwrap_or(given),
            "AWS::SecretsManager::Secret" => arn("secretsmanager", "secret:"),
            "AWS::SNS::Topic" => arn("sns", ""),
            "AWS::Logs::LogGroup" => named("LogGroupName")?.unwrap_or(given),
            _ => given,
        })
    }

    fn raw_resources(&self) -> Result<&'a Map<String, Value>, TemplateError> {
        self.document
            .get("Resources")
            .and_then(Value::as_object)
            .ok_or_else(|| TemplateError::new("Resources", "is missing or not a mapping"))
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.place.region, Place::ACCOUNT)
    }

    /// Resolves `value` and everything below it. `AWS::NoValue` removes the entry that holds it.
    fn resolve(&self, value: &Value, path: &str) -> Result<Value, TemplateError> {
        match value {
            Value::Object(object) => {
                if let Some((name, argument)) = intrinsic(object) {
                    return self.call(name, argument, path);
                }
                let entries = object.iter().filter_map(|(key, entry)| {
                    let entry = self.resolve_present(entry, &format!("{path}.{key}")).transpose()?;
                    Some(entry.map(|entry| (key.clone(), entry)))
                });
                entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.filter_map(|(i, item)| self.resolve_present(item, &format!("{path}[{i}]")).transpose());
                items.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            other => Ok(other.clone()),
        }
    }

    /// As [`Self::resolve`]; `None` for what `AWS::NoValue` removes.
    fn resolve_present(&self, value: &Value, path: &str) -> Result<Option<Value>, TemplateError> {
        Ok(Some(self.resolve(value, path)?).filter(|value| !value.is_null()))
    }

    fn call(&self, name: &str, argument: &Value, path: &str) -> Result<Value, TemplateError> {
        let malformed = || TemplateError::new(path, format!("{name} has the wrong arguments"));
        match name {
            "Ref" => self.by_name(argument.as_str().ok_or_else(malformed)?, path),
            "Fn::GetAtt" => {
                let [resource, attribute] = texts(argument).ok_or_else(malformed)?;
                self.attribute(&resource, &attribute, path).map(Value::String)
            }
            "Fn::Sub" => {
                let (text, names) = match argument {
                    Value::String(text) => (text.as_str(), Map::new()),
                    Value::Array(parts) => match parts.as_slice() {
                        [Value::String(text), Value::Object(names)] => (text.as_str(), names.clone()),
                        _ => return Err(malformed()),
                    },
                    _ => return Err(malformed()),
                };
                self.substitute(text, &names, path).map(Value::String)
            }
            "Fn::Join" => {
                let (Some(Value::String(between)), Some(parts)) = (argument.get(0), argument.get(1)) else {
                    return Err(malformed());
                };
                let parts = self.resolve(parts, path)?;
                let parts = parts.as_array().ok_or_else(malformed)?;
                let parts: Option<Vec<_>> = parts.iter().map(Value::as_str).collect();
                Ok(Value::String(parts.ok_or_else(malformed)?.join(between)))
            }
            "Fn::Select" => {
                let (Some(index), Some(parts)) = (argument.get(0), argument.get(1)) else { return Err(malformed()) };
                let index = index.as_u64().or_else(|| index.as_str()?.parse().ok()).ok_or_else(malformed)?;
                let parts = self.resolve(parts, path)?;
                let index = usize::try_from(index).map_err(|_| malformed())?;
                parts.get(index).cloned().ok_or_else(malformed)
            }
            "Fn::Split" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(delimiter), text]) => match self.resolve(text, path)? {
                    Value::String(text) => Ok(text.split(delimiter.as_str()).collect()),
                    _ => Err(malformed()),
                },
                _ => Err(malformed()),
            },
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(condition), yes, no]) => {
                    let holds = self.condition(condition, path, &mut BTreeSet::new())?;
                    self.resolve(if holds { yes } else { no }, path)
                }
                _ => Err(malformed()),
            },
            unknown => Err(TemplateError::new(path, format!("{unknown} is not known locally"))),
        }
    }

    /// A parameter, a pseudo parameter or a resource.
    fn by_name(&self, name: &str, path: &str) -> Result<Value, TemplateError> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        Ok(Value::String(match name {
            "AWS::Region" => self.place.region.clone(),
            "AWS::AccountId" => Place::ACCOUNT.to_owned(),
            "AWS::StackName" => self.place.stack.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::NoValue" => return Ok(Value::Null),
            // SAM's own resource, where functions name no API.
            "ServerlessHttpApi" => "local".to_owned(),
            id if self.raw_resources()?.contains_key(id) => self.reference(id)?,
            id if self.is_event_source_mapping(id)? => id.to_owned(),
            unknown => return Err(TemplateError::new(path, format!("nothing is called {unknown}"))),
        }))
    }

    /// Whether `id` is the mapping that SAM makes of a function's stream event: the function's id, then the event's.
    fn is_event_source_mapping(&self, id: &str) -> Result<bool, TemplateError> {
        Ok(self.raw_resources()?.iter().any(|(function, resource)| {
            let event = id.strip_prefix(function.as_str()).unwrap_or_default();
            let kind = resource.pointer(&format!("/Properties/Events/{event}/Type")).and_then(Value::as_str);
            kind == Some("DynamoDB")
        }))
    }

    fn attribute(&self, id: &str, attribute: &str, path: &str) -> Result<String, TemplateError> {
        let resource =
            self.raw_resources()?.get(id).ok_or_else(|| TemplateError::new(path, format!("nothing is called {id}")))?;
        let name = self.reference(id)?;
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        Ok(match (kind, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => self.arn("dynamodb", &format!("table/{name}")),
            ("AWS::DynamoDB::Table", "StreamArn") => super::storage::stream_arn(&name),
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
            ("AWS::Serverless::Function", "Arn") => self.arn("lambda", &format!("function:{name}")),
            ("AWS::KMS::Key", "Arn") => self.arn("kms", &format!("key/{name}")),
            ("AWS::Logs::LogGroup", "Arn") => self.arn("logs", &format!("log-group:{name}:*")),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{}:role/{name}", Place::ACCOUNT),
            ("AWS::SNS::Topic", "TopicArn") | ("AWS::SecretsManager::Secret", "Id") => name,
            ("AWS::SNS::Topic", "TopicName") => format!("{}-{}", self.place.stack, id.to_lowercase()),
            ("AWS::Serverless::HttpApi", "ApiEndpoint") => "http://127.0.0.1".to_owned(),
            _ => return Err(TemplateError::new(path, format!("{attribute} of a {kind} is not known locally"))),
        })
    }

    fn substitute(&self, text: &str, names: &Map<String, Value>, path: &str) -> Result<String, TemplateError> {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            result.push_str(&rest[..start]);
            let after = &rest[start + 2..];
            let end = after.find('}').ok_or_else(|| TemplateError::new(path, "Fn::Sub has a ${ without its }"))?;
            let name = &after[..end];
            rest = &after[end + 1..];
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str("${");
                result.push_str(literal);
                result.push('}');
                continue;
            }
            let value = if let Some(value) = names.get(name) {
                self.resolve(value, path)?
            } else if let Some((resource, attribute)) = name.split_once('.') {
                Value::String(self.attribute(resource, attribute, path)?)
            } else {
                self.by_name(name, path)?
            };
            match value {
                Value::String(value) => result.push_str(&value),
                Value::Number(value) => result.push_str(&value.to_string()),
                Value::Bool(value) => result.push_str(&value.to_string()),
                _ => return Err(TemplateError::new(path, format!("{name} is not a single value"))),
            }
        }
        result.push_str(rest);
        Ok(result)
    }

    fn condition(&self, name: &str, path: &str, under: &mut BTreeSet<String>) -> Result<bool, TemplateError> {
        let declared = self.document.get("Conditions").and_then(|conditions| conditions.get(name));
        let declared = declared.ok_or_else(|| TemplateError::new(path, format!("no condition is called {name}")))?;
        let path = format!("Conditions.{name}");
        if !under.insert(name.to_owned()) {
            return Err(TemplateError::new(&path, "depends on itself"));
        }
        let holds = self.truth(declared, &path, under);
        under.remove(name);
        holds
    }

    fn truth(&self, value: &Value, path: &str, under: &mut BTreeSet<String>) -> Result<bool, TemplateError> {
        let (name, argument) = value
            .as_object()
            .and_then(intrinsic)
            .ok_or_else(|| TemplateError::new(path, "a condition must be one of CloudFormation's functions"))?;
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, parts) {
            ("Condition", []) => {
                let name = argument.as_str().ok_or_else(|| TemplateError::new(path, "Condition needs a name"))?;
                self.condition(name, path, under)
            }
            ("Fn::Equals", [left, right]) => {
                let text = |value| match self.resolve(value, path)? {
                    Value::String(text) => Ok(text),
                    other => Ok::<_, TemplateError>(other.to_string()),
                };
                Ok(text(left)? == text(right)?)
            }
            ("Fn::Not", [inner]) => Ok(!self.truth(inner, path, under)?),
            ("Fn::And", parts) if !parts.is_empty() => {
                parts.iter().try_fold(true, |all, part| Ok(self.truth(part, path, under)? && all))
            }
            ("Fn::Or", parts) if !parts.is_empty() => {
                parts.iter().try_fold(false, |any, part| Ok(self.truth(part, path, under)? || any))
            }
            _ => Err(TemplateError::new(path, format!("{name} is not a condition that is known locally"))),
        }
    }
}

/// The function a mapping calls, if it is a call: exactly one key, `Ref` or `Fn::…`, or `Condition` naming one.
fn intrinsic(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = object.iter();
    let (name, argument) = entries.next()?;
    let call = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    (call && entries.next().is_none()).then_some((name.as_str(), argument))
}

fn texts<const N: usize>(value: &Value) -> Option<[String; N]> {
    let texts: Option<Vec<String>> = value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    texts?.try_into().ok()
}

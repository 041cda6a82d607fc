//! Reads template.yaml: tables, buckets, functions and their triggers.
//!
//! The template is the only description of the system: no code repeats a route, an index or a schedule. This reader is strict.
//! An intrinsic function, a property, a schedule or an event source that it does not know is an error that names its place in
//! the file, because a local system that ignores it would behave differently from the cloud.

mod functions;
mod intrinsics;
mod node;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub use functions::{Function, Method, Retry, Route, Schedule, Segment, StreamTrigger};
pub(crate) use storage::stream_arn;
pub use storage::{Bucket, Expiration, Index, KeyAttribute, KeyType, Projection, Table};

use intrinsics::Resolver;
use node::Node;

/// The deployed template, compiled in. Cargo rebuilds the binary when the file changes, and the binary runs from any directory.
pub const DEPLOYED: &str = include_str!("../../../../template.yaml");

/// Where a template is deployed to.
#[derive(Debug, Clone)]
pub struct Place {
    pub region: String,
    /// Name of the stack; the prefix of every resource name that the template does not set.
    pub stack: String,
    /// Values of the template's parameters; a missing one has its default.
    pub parameters: BTreeMap<String, String>,
}

impl Place {
    /// The account of every local ARN.
    pub const ACCOUNT: &str = "000000000000";
}

/// The parts of a template that can be run locally.
#[derive(Debug, Clone)]
pub struct Template {
    pub tables: Vec<Table>,
    pub buckets: Vec<Bucket>,
    /// The functions and their triggers.
    pub functions: Vec<Function>,
}

/// The template is invalid, or has something that cannot run locally.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template.yaml, at {path}: {problem}")]
pub struct TemplateError {
    /// Where in the file, as `Resources.Table.Properties.KeySchema[0]`.
    pub path: String,
    pub problem: String,
}

impl TemplateError {
    pub(crate) fn new(path: &str, problem: impl Into<String>) -> Self {
        Self { path: path.to_owned(), problem: problem.into() }
    }
}

/// Resource types that have no effect locally: permissions, alarms, logs, keys and topics. Their intrinsics are still
/// resolved, so that a typing error is found here.
const CLOUD_ONLY: &[&str] = &[
    "AWS::ApplicationInsights::Application",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::Secret",
];

impl Template {
    /// Reads a template as it would be deployed to `place`.
    ///
    /// # Errors
    /// The first unknown or invalid part, with its place in the file.
    pub fn read(yaml: &str, place: &Place) -> Result<Self, TemplateError> {
        let document = intrinsics::parse(yaml)?;
        let resolver = Resolver::new(&document, place)?;
        let resources = resolver.resources()?;
        let mut template = Self { tables: Vec::new(), buckets: Vec::new(), functions: Vec::new() };
        let defaults = resolver.globals("Function")?;
        for (id, resource) in &resources {
            let node = Node::new(resource, format!("Resources.{id}"));
            let name = || resolver.reference(id);
            template.add(id, &node, &defaults, name)?;
        }
        for (id, resource, name) in &resolver.existing()? {
            let node = Node::new(resource, format!("Resources.{id}"));
            template.add_existing(&node, name.clone())?;
        }
        template.check()?;
        Ok(template)
    }

    /// Adds a resource of the stack.
    fn add(
        &mut self,
        id: &str,
        node: &Node<'_>,
        defaults: &Value,
        name: impl Fn() -> Result<String, TemplateError>,
    ) -> Result<(), TemplateError> {
        let kind = node.required("Type")?.text()?;
        let empty = Value::Object(serde_json::Map::new());
        let properties = node.optional("Properties").unwrap_or_else(|| Node::new(&empty, node.path().to_owned()));
        match kind {
            "AWS::DynamoDB::Table" => self.tables.push(storage::table(&properties, name()?, false)?),
            "AWS::S3::Bucket" => self.buckets.push(storage::bucket(&properties, name()?)?),
            "AWS::Serverless::HttpApi" => properties.only(functions::API_CLOUD_ONLY)?,
            "AWS::Serverless::Function" => {
                let defaults = Node::new(defaults, "Globals.Function".to_owned());
                self.functions.push(functions::function(id, name()?, &properties, &defaults)?);
            }
            kind if CLOUD_ONLY.contains(&kind) => {}
            unknown => {
                return Err(TemplateError::new(node.path(), format!("resource type {unknown} is not known locally")));
            }
        }
        Ok(())
    }

    /// Adds a table or bucket that exists outside of the stack.
    fn add_existing(&mut self, node: &Node<'_>, name: String) -> Result<(), TemplateError> {
        match node.required("Type")?.text()? {
            "AWS::DynamoDB::Table" => self.tables.push(storage::table(&node.required("Properties")?, name, true)?),
            "AWS::S3::Bucket" => self.buckets.push(storage::bucket(&node.required("Properties")?, name)?),
            _ => {}
        }
        Ok(())
    }

    /// Every stream trigger must read a table of this template, and no crate may be deployed twice.
    fn check(&self) -> Result<(), TemplateError> {
        for function in &self.functions {
            if self.functions.iter().filter(|other| other.crate_name == function.crate_name).count() > 1 {
                return Err(TemplateError::new(&function.path, format!("{} is deployed twice", function.crate_name)));
            }
            function.streams.iter().try_for_each(|trigger| self.check_stream(trigger))?;
        }
        Ok(())
    }

    fn check_stream(&self, trigger: &StreamTrigger) -> Result<(), TemplateError> {
        let Some(table) = self.tables.iter().find(|table| trigger.stream == table.stream_arn()) else {
            return Err(TemplateError::new(&trigger.path, "the stream belongs to no table of this template"));
        };
        if table.stream_view.is_none() {
            return Err(TemplateError::new(&trigger.path, format!("table {} has no stream", table.name)));
        }
        Ok(())
    }
}

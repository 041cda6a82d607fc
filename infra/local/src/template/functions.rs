//! Functions and what calls them: routes, schedules, streams.

use std::{collections::BTreeMap, time::Duration};

use super::{TemplateError, node::Node};
use crate::filter::Filter;

#[derive(Debug, Clone)]
pub struct Function {
    /// Its crate: the last part of `CodeUri`.
    pub crate_name: String,
    /// The function's name in the deployed stack.
    pub deployed_name: String,
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
    /// The HTTP routes that lead to it.
    pub routes: Vec<Route>,
    /// The schedules that call the function.
    pub schedules: Vec<Schedule>,
    /// The table streams that feed it.
    pub streams: Vec<StreamTrigger>,
    pub(super) path: String,
}

/// An HTTP route, or the route for every other request (`$default`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// As API Gateway names it: `POST /processes/{id}` or `$default`.
    pub key: String,
    /// `None` for `$default`.
    pub method: Option<Method>,
    /// The path's parts; empty for `$default` and for `/`.
    pub segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    Any,
    /// Exactly this one, upper case.
    Named(String),
}

/// One part of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Exactly this text.
    Text(String),
    /// `{name}`: any one part.
    Parameter(String),
    /// `{name+}`: this part and all that follow.
    Greedy(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name in the template.
    pub name: String,
    /// How long from one call to the next.
    pub every: Duration,
}

/// A mapping of a table's stream to a function.
#[derive(Debug, Clone)]
pub struct StreamTrigger {
    /// Its name in the template; the function's and the event's logical id.
    pub name: String,
    /// ARN of the stream (see [`super::Table::stream_arn`]).
    pub stream: String,
    /// A record is passed on if one of these matches, or if there are none.
    pub filters: Vec<Filter>,
    /// The largest number of records in one call.
    pub batch_size: usize,
    /// How many calls may run at once, each with its own items.
    pub parallelization: usize,
    /// How failures are handled.
    pub retry: Retry,
    pub(super) path: String,
}

/// What a stream mapping does about failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Retries after the first call; `None` is no limit.
    pub attempts: Option<u64>,
    /// Records older than this fail; `None` is no limit.
    pub max_age: Option<Duration>,
    /// Whether a failed batch is split in two.
    pub bisect: bool,
    /// Whether the answer may name the records that failed.
    pub partial: bool,
    /// Name of the S3 bucket for failed records.
    pub on_failure_bucket: Option<String>,
}

/// Properties of functions that have no effect locally.
const CLOUD_ONLY: &[&str] = &[
    "Architectures",
    "AutoPublishAlias",
    "Description",
    "EphemeralStorage",
    "EventInvokeConfig",
    "FunctionName",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "RuntimeManagementConfig",
    "Tags",
    "Tracing",
    "VpcConfig",
];

/// Properties of APIs that change no answer.
pub(super) const API_CLOUD_ONLY: &[&str] = &[
    "AccessLogSettings",
    "DefaultRouteSettings",
    "Description",
    "DisableExecuteApiEndpoint",
    "FailOnWarnings",
    "Name",
    "RouteSettings",
    "Tags",
];

pub(super) fn function(
    id: &str,
    deployed_name: String,
    node: &Node<'_>,
    defaults: &Node<'_>,
) -> Result<Function, TemplateError> {
    let own = ["CodeUri", "Timeout", "Environment", "Events"];
    node.only(&[&own[..], CLOUD_ONLY].concat())?;
    defaults.only(&[&["Timeout", "Environment"], CLOUD_ONLY].concat())?;
    let either = |key: &str| node.optional(key).or_else(|| defaults.optional(key));

    let code = node.required("CodeUri")?;
    let crate_name = code.text()?.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    if crate_name.is_empty() || crate_name == "." {
        return Err(code.error("must end with the crate's folder"));
    }
    let mut environment = BTreeMap::new();
    for settings in [defaults, node].into_iter().filter_map(|node| node.optional("Environment")) {
        settings.only(&["Variables"])?;
        for (name, value) in settings.required("Variables")?.entries()? {
            environment.insert(name.to_owned(), value.scalar()?);
        }
    }
    // Three seconds is Lambda's own default.
    let timeout = Duration::from_secs(either("Timeout").map_or(Ok(3), |timeout| timeout.number())?);
    let mut function = Function {
        crate_name,
        deployed_name,
        environment,
        timeout,
        routes: Vec::new(),
        schedules: Vec::new(),
        streams: Vec::new(),
        path: node.path().to_owned(),
    };
    let Some(events) = node.optional("Events") else { return Ok(function) };
    for (name, event) in events.entries()? {
        event.only(&["Type", "Properties"])?;
        let kind = event.required("Type")?;
        let properties = event.required("Properties")?;
        match kind.text()? {
            "HttpApi" => function.routes.push(route(&properties)?),
            "Schedule" | "ScheduleV2" => function.schedules.extend(schedule(&format!("{id}{name}"), &properties)?),
            "DynamoDB" => function.streams.extend(stream(&format!("{id}{name}"), &properties)?),
            other => return Err(kind.error(format!("event source {other} is not known locally"))),
        }
    }
    Ok(function)
}

fn route(node: &Node<'_>) -> Result<Route, TemplateError> {
    node.only(&["ApiId", "Path", "Method", "PayloadFormatVersion", "TimeoutInMillis"])?;
    if let Some(version) = node.optional("PayloadFormatVersion")
        && version.scalar()? != "2.0"
    {
        return Err(version.error("only payload format 2.0 is known locally"));
    }
    let (path, method) = match (node.optional("Path"), node.optional("Method")) {
        // SAM's form of the default route: neither.
        (None, None) => ("$default", "ANY".to_owned()),
        (Some(path), None) if path.text()? == "$default" => ("$default", "ANY".to_owned()),
        (Some(path), Some(method)) => (path.text()?, method.text()?.to_uppercase()),
        _ => return Err(node.error("needs both Path and Method, or neither")),
    };
    if path == "$default" {
        return Ok(Route { key: path.to_owned(), method: None, segments: Vec::new() });
    }
    let rest = path.strip_prefix('/').ok_or_else(|| node.error(format!("path {path} must begin with /")))?;
    let mut segments = Vec::new();
    for part in rest.split('/').filter(|_| !rest.is_empty()) {
        if matches!(segments.last(), Some(Segment::Greedy(_))) {
            return Err(node.error(format!("nothing may follow the greedy part of {path}")));
        }
        let segment = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if part.is_empty() || part.contains(['{', '}']) => {
                return Err(node.error(format!("{part:?} in {path} is not known locally")));
            }
            None => Segment::Text(part.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                Some(name) => Segment::Greedy(name.to_owned()),
                None => Segment::Parameter(name.to_owned()),
            },
        };
        segments.push(segment);
    }
    let named = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method_of = match method.as_str() {
        "ANY" | "*" => Method::Any,
        name if named.contains(&name) => Method::Named(method.clone()),
        _ => return Err(node.error(format!("method {method} is not known locally"))),
    };
    Ok(Route { key: format!("{method} {path}"), method: Some(method_of), segments })
}

fn schedule(name: &str, node: &Node<'_>) -> Result<Option<Schedule>, TemplateError> {
    node.only(&["Schedule", "ScheduleExpression", "Name", "Description", "Enabled", "State", "RetryPolicy"])?;
    let expression = node.optional("Schedule").or_else(|| node.optional("ScheduleExpression"));
    let expression = expression.ok_or_else(|| node.error("Schedule is missing"))?;
    let unknown = || expression.error("only rate(n minutes), rate(n hours) and rate(n days) are known locally");
    let rate = expression.text()?.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
    let (count, unit) = rate.split_once(' ').ok_or_else(unknown)?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0).ok_or_else(unknown)?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return Err(unknown()),
    };
    let enabled = node.optional("Enabled").map_or(Ok(true), |enabled| enabled.truth())?
        && node.optional("State").is_none_or(|state| state.value() != "DISABLED");
    let every = Duration::from_secs(count * seconds);
    Ok(enabled.then(|| Schedule { name: name.to_owned(), every }))
}

fn stream(name: &str, node: &Node<'_>) -> Result<Option<StreamTrigger>, TemplateError> {
    node.only(&[
        "Stream",
        "StartingPosition",
        "BatchSize",
        "MaximumBatchingWindowInSeconds",
        "ParallelizationFactor",
        "FilterCriteria",
        "FunctionResponseTypes",
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "MetricsConfig",
    ])?;
    let mut filters = Vec::new();
    if let Some(criteria) = node.optional("FilterCriteria") {
        criteria.only(&["Filters"])?;
        for filter in criteria.required("Filters")?.items()? {
            filter.only(&["Pattern"])?;
            let pattern = filter.required("Pattern")?;
            filters.push(Filter::parse(pattern.text()?).map_err(|problem| pattern.error(problem))?);
        }
    }
    let mut partial = false;
    if let Some(types) = node.optional("FunctionResponseTypes") {
        for kind in types.items()? {
            match kind.text()? {
                "ReportBatchItemFailures" => partial = true,
                _ => return Err(kind.error("only ReportBatchItemFailures is known locally")),
            }
        }
    }
    // Minus one is CloudFormation's way to say that there is no limit; it is also the default of both.
    let limit = |key: &str| match node.optional(key) {
        None => Ok(None),
        Some(limit) if limit.value().as_i64() == Some(-1) => Ok(None),
        Some(limit) => limit.number().map(Some),
    };
    let number = |key: &str, default: u64| node.optional(key).map_or(Ok(default), |node| node.number());
    let count =
        |key: &str, default: u64| number(key, default).map(|count| usize::try_from(count).unwrap_or(usize::MAX).max(1));
    let enabled = node.optional("Enabled").map_or(Ok(true), |enabled| enabled.truth())?;
    let trigger = StreamTrigger {
        name: name.to_owned(),
        stream: node.required("Stream")?.text()?.to_owned(),
        filters,
        batch_size: count("BatchSize", 100)?,
        parallelization: count("ParallelizationFactor", 1)?,
        retry: Retry {
            attempts: limit("MaximumRetryAttempts")?,
            max_age: limit("MaximumRecordAgeInSeconds")?.map(Duration::from_secs),
            bisect: node.optional("BisectBatchOnFunctionError").map_or(Ok(false), |bisect| bisect.truth())?,
            partial,
            on_failure_bucket: node.optional("DestinationConfig").map(|config| destination(&config)).transpose()?,
        },
        path: node.path().to_owned(),
    };
    Ok(enabled.then_some(trigger))
}

fn destination(node: &Node<'_>) -> Result<String, TemplateError> {
    node.only(&["OnFailure"])?;
    let failure = node.required("OnFailure")?;
    failure.only(&["Type", "Destination"])?;
    let arn = failure.required("Destination")?;
    let bucket = arn.text()?.strip_prefix("arn:aws:s3:::").filter(|bucket| !bucket.contains('/'));
    bucket.map(str::to_owned).ok_or_else(|| arn.error("only an S3 bucket is known locally"))
}

//! Logs and metrics.
//!
//! Logs are one JSON object per line on standard output. Fields are ids, states, counts and durations, never what a
//! person typed or a provider answered.

use std::{fmt, io::Write as _, sync::OnceLock};

use jiff::Timestamp;
use serde_json::Value;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, filter_fn},
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use super::{Clock as _, SystemClock, panics::log_panics};

/// The namespace of all metrics in CloudWatch.
pub const NAMESPACE: &str = "Cotejo";
/// The target of events that carry a metric.
const METRIC: &str = "cotejo::metric";

/// Starts logging and metrics. The log level is `RUST_LOG`, else `info`.
pub fn init() {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_log = |metadata: &Metadata<'_>| metadata.target() != METRIC;
    let logs = tracing_subscriber::fmt::layer().json().flatten_event(true).with_filter(level.and(filter_fn(is_log)));
    // A second call (several functions in one process) changes nothing.
    let _ = tracing_subscriber::registry().with(logs).with(Metrics).try_init();
    log_panics();
    // A function calls this only when it starts.
    record(Metric::ColdStart, &[], 1.0, SystemClock.now());
}

/// Writes metrics in CloudWatch's embedded metric format: plain JSON, one line each.
struct Metrics;

impl<S: Subscriber> Layer<S> for Metrics {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == METRIC {
            event.record(&mut Line);
        }
    }
}

struct Line;

impl Visit for Line {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        // A closed standard output must not fail a request.
        let _ = writeln!(std::io::stdout().lock(), "{value:?}");
    }
}

/// The metrics. Beside the stack, a metric has the labels it is recorded with; its dimensions are the first of them,
/// the first two, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Processes created, by provider.
    Created,
    /// Processes that reached a terminal state, by provider and state.
    Decided,
    /// The duration of a call to a provider, successful or not, by provider.
    ProviderLatency,
    /// Failed calls to a provider, by provider and kind of failure.
    ProviderTrouble,
    /// Percent of a provider link's life that had passed when its copy was stored, by provider.
    LinkLifeUsed,
    /// Refreshes of a process that left pictures to copy, by provider.
    EvidencePending,
    /// Pictures given up, by provider.
    EvidenceIncomplete,
    /// Processes in whose answer something could not be read for the first time, by provider.
    AnswerUnread,
    /// Callbacks that were refused, by provider.
    CallbackRefused,
    /// Callbacks about a process that is not ours, by provider.
    CallbackUnknown,
    /// Authentic callbacks that could not be read, by provider.
    CallbackUnreadable,
    /// Stream records that could not be handled.
    RecordFailed,
    /// Attempts at deliveries that failed.
    DeliveryFailed,
    /// Channels that were disabled because they failed.
    ChannelDisabled,
    /// How long the most overdue item had been due when the schedule ran.
    OldestOverdue,
    /// Starts of a function.
    ColdStart,
}

impl Metric {
    pub const ALL: [Self; 16] = [
        Self::Created,
        Self::Decided,
        Self::ProviderLatency,
        Self::ProviderTrouble,
        Self::LinkLifeUsed,
        Self::EvidencePending,
        Self::EvidenceIncomplete,
        Self::AnswerUnread,
        Self::CallbackRefused,
        Self::CallbackUnknown,
        Self::CallbackUnreadable,
        Self::RecordFailed,
        Self::DeliveryFailed,
        Self::ChannelDisabled,
        Self::OldestOverdue,
        Self::ColdStart,
    ];

    fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Created => ("ProcessesCreated", "Count"),
            Self::Decided => ("ProcessesDecided", "Count"),
            Self::ProviderLatency => ("ProviderLatency", "Milliseconds"),
            Self::ProviderTrouble => ("ProviderTrouble", "Count"),
            Self::LinkLifeUsed => ("LinkLifeUsed", "Percent"),
            Self::EvidencePending => ("EvidencePending", "Count"),
            Self::EvidenceIncomplete => ("EvidenceIncomplete", "Count"),
            Self::AnswerUnread => ("AnswersUnread", "Count"),
            Self::CallbackRefused => ("CallbacksRefused", "Count"),
            Self::CallbackUnknown => ("CallbacksUnknown", "Count"),
            Self::CallbackUnreadable => ("CallbacksUnreadable", "Count"),
            Self::RecordFailed => ("RecordsFailed", "Count"),
            Self::DeliveryFailed => ("DeliveriesFailed", "Count"),
            Self::ChannelDisabled => ("ChannelsDisabled", "Count"),
            Self::OldestOverdue => ("OldestOverdue", "Seconds"),
            Self::ColdStart => ("ColdStarts", "Count"),
        }
    }
}

/// The stack's name, from `COTEJO_STACK`: it separates the metrics of deployments in one region.
fn stack() -> &'static str {
    static STACK: OnceLock<String> = OnceLock::new();
    STACK.get_or_init(|| std::env::var("COTEJO_STACK").unwrap_or_else(|_| "local".to_owned()))
}

/// Records one value. Labels are names of ours or of a provider, never what somebody typed.
pub fn record(metric: Metric, labels: &[(&'static str, &str)], value: f64, now: Timestamp) {
    tracing::info!(target: METRIC, emf = %line(stack(), metric, labels, value, now));
}

/// Records a call to a provider: its duration since `asked_at` and, where it failed, the kind of failure.
pub fn record_call(provider: &str, trouble: Option<&str>, asked_at: Timestamp, now: Timestamp) {
    let took = now.duration_since(asked_at).as_millis_f64().max(0.0);
    record(Metric::ProviderLatency, &[("provider", provider)], took, now);
    if let Some(kind) = trouble {
        record(Metric::ProviderTrouble, &[("provider", provider), ("kind", kind)], 1.0, now);
    }
}

fn line(stack: &str, metric: Metric, labels: &[(&'static str, &str)], value: f64, now: Timestamp) -> Value {
    let (name, unit) = metric.name_and_unit();
    let names: Vec<&str> = std::iter::once("stack").chain(labels.iter().map(|(name, _)| *name)).collect();
    let dimensions: Vec<&[&str]> = (1..=names.len()).map(|count| &names[..count]).collect();
    let mut line = serde_json::json!({
        "_aws": {"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [{"Name": name, "Unit": unit}]}]},
        "stack": stack,
        name: value,
    });
    for (name, label) in labels {
        line[name] = (*label).into();
    }
    line
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_metric_has_each_prefix_of_its_labels_as_dimensions() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let labels = [("provider", "auco"), ("status", "approved")];
        insta::assert_json_snapshot!(line("cotejo", Metric::Decided, &labels, 1.0, now));
        insta::assert_json_snapshot!(line("cotejo", Metric::OldestOverdue, &[], 61.5, now));
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name_and_unit().0).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}

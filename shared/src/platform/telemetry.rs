//! Logs and metrics.
//!
//! Logs are one JSON object a line on standard output. Fields are ids, states, counts and durations; nothing that a
//! person typed or that a provider answered is ever a field.

use std::{fmt, io::Write as _};

use jiff::Timestamp;
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

use super::contained::log_panics;

/// The namespace of all metrics in CloudWatch.
pub const NAMESPACE: &str = "Cotejo";
/// The target of events that carry a metric.
const METRIC: &str = "cotejo::metric";

/// Starts logging and metrics; panics are logged by their place. The level of logs comes from `RUST_LOG`, or is `info`.
pub fn init() {
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_log = |metadata: &Metadata<'_>| metadata.target() != METRIC;
    let logs = tracing_subscriber::fmt::layer().json().flatten_event(true).with_filter(level.and(filter_fn(is_log)));
    // A second call (several functions in one process) changes nothing.
    let _ = tracing_subscriber::registry().with(logs).with(Metrics).try_init();
    log_panics();
}

/// Writes metrics as CloudWatch's embedded metric format wants them: the bare JSON, one line each.
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
        // A closed standard output must not end a request.
        let _ = writeln!(std::io::stdout().lock(), "{value:?}");
    }
}

/// What is counted or measured.
#[derive(Debug, Clone, Copy)]
pub enum Metric {
    /// Processes created.
    Created,
    /// Processes that reached a terminal state.
    Decided,
    /// A provider call that did not succeed.
    ProviderTrouble,
    /// Share of a provider link's life that had passed when its copy was stored, percent.
    LinkLifeUsed,
    /// Pictures given up.
    EvidenceIncomplete,
    /// Callbacks that were refused.
    CallbackRefused,
    /// Callbacks about a process that is not ours.
    CallbackUnknown,
    /// Stream records that could not be handled.
    RecordFailed,
    /// Attempts at deliveries that failed.
    DeliveryFailed,
    /// Channels that were disabled because they failed.
    ChannelDisabled,
}

impl Metric {
    fn name_and_unit(self) -> (&'static str, &'static str) {
        match self {
            Self::Created => ("ProcessesCreated", "Count"),
            Self::Decided => ("ProcessesDecided", "Count"),
            Self::ProviderTrouble => ("ProviderTrouble", "Count"),
            Self::LinkLifeUsed => ("LinkLifeUsed", "Percent"),
            Self::EvidenceIncomplete => ("EvidenceIncomplete", "Count"),
            Self::CallbackRefused => ("CallbacksRefused", "Count"),
            Self::CallbackUnknown => ("CallbacksUnknown", "Count"),
            Self::RecordFailed => ("RecordsFailed", "Count"),
            Self::DeliveryFailed => ("DeliveriesFailed", "Count"),
            Self::ChannelDisabled => ("ChannelsDisabled", "Count"),
        }
    }
}

/// Writes one value in CloudWatch's embedded metric format, without dimensions beyond the provider's name.
pub fn record(metric: Metric, provider: &str, value: f64, now: Timestamp) {
    let (name, unit) = metric.name_and_unit();
    let line = serde_json::json!({
        "_aws": {"Timestamp": now.as_millisecond(), "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [[], ["provider"]], "Metrics": [{"Name": name, "Unit": unit}]}]},
        "provider": provider,
        name: value,
    });
    tracing::info!(target: METRIC, emf = %line);
}

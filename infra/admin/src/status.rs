//! `status`.

use cotejo::{
    store::Tenant,
    workflow::{
        overview::{FailingChannel, LookOver, Overview, ProviderHour},
        replay::ReplayRecords,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{Admin, AdminError, Report, operator};

/// Runs the command.
///
/// # Errors
/// The table or the bucket for failed records cannot be read.
pub async fn run(admin: &Admin) -> Result<Report, AdminError> {
    let mut tenants = Vec::new();
    for Tenant { id, .. } in admin.store.tenants().await? {
        // The list is an index that may lag, and a recent pause must be seen.
        tenants.push((operator(&id), admin.tenant(&id).await?));
    }
    let overview = LookOver::new(&admin.deployment).run(&tenants).await?;
    let dead = match admin.failed_records.clone() {
        Some(bucket) => Some(ReplayRecords::new(&admin.deployment, bucket).count().await?),
        None => None,
    };
    let mut lines = Vec::new();
    overdue(&overview, &mut lines);
    lines.extend(overview.stream.iter().map(|reader| match (reader.late_at, reader.late_by_seconds) {
        (Some(at), Some(by)) => {
            format!(
                "stream    {}  last late {} ago, by {}",
                reader.function,
                ago(at, overview.at),
                span(SignedDuration::from_secs(by))
            )
        }
        _ => format!("stream    {}  never late", reader.function),
    }));
    lines.push(match dead {
        None => "dead      unknown: the setting FAILED_RECORDS_BUCKET is missing".to_owned(),
        Some((0, _)) => "dead      no stream record has failed".to_owned(),
        Some((count, since)) => {
            let since = since.map(|since| format!(", the oldest {} ago", ago(since, overview.at)));
            format!("dead      {count} stream records failed after repeated attempts{}", since.unwrap_or_default())
        }
    });
    if overview.channels.is_empty() {
        lines.push("channels  none is failing".to_owned());
    }
    lines.extend(overview.channels.iter().map(|channel| channel_line(channel, overview.at)));
    if overview.providers.is_empty() {
        lines.push("provider  nothing was created in the last hour".to_owned());
    }
    for (tenant, hours) in &overview.providers {
        lines.extend(hours.iter().map(|(provider, hour)| provider_line(tenant, provider, hour, overview.at)));
    }
    let mut value = Report::json(&overview)?.value().clone();
    value["dead_letters"] = json!(dead.map(|(count, since)| json!({"count": count, "since": since})));
    Report::new(&value, lines)
}

fn overdue(overview: &Overview, lines: &mut Vec<String>) {
    if overview.overdue.is_empty() {
        lines.push("overdue   nothing".to_owned());
    }
    lines.extend(overview.overdue.iter().map(|overdue| {
        let (count, long) = (overdue.count, overdue.over_10_minutes);
        let longest = ago(overdue.since, overview.at);
        format!("overdue   {}  {count}, {long} of them for over 10 min, the longest for {longest}", overdue.kind)
    }));
    if overview.more_overdue {
        lines.push("overdue   and more that were not counted".to_owned());
    }
}

fn channel_line(channel: &FailingChannel, now: Timestamp) -> String {
    let FailingChannel { tenant, channel, since, breaker_open_until, disabled } = channel;
    let breaker = breaker_open_until.map(|until| format!(", breaker open for {}", span(until.duration_since(now))));
    let disabled = disabled.as_ref().map(|reason| format!(", disabled: {reason}"));
    let (breaker, disabled) = (breaker.unwrap_or_default(), disabled.unwrap_or_default());
    format!("channels  {tenant}  {channel}  fails for {}{breaker}{disabled}", ago(*since, now))
}

fn provider_line(tenant: &str, provider: &str, hour: &ProviderHour, now: Timestamp) -> String {
    let ProviderHour { created, ended, unconfirmed, trouble, and_more, paused_since } = hour;
    let of_newest = if *and_more { " (of the newest)" } else { "" };
    let mut line = format!(
        "provider  {tenant}  {provider}  last hour: {created} created{of_newest}, {ended} ended, {unconfirmed} unconfirmed"
    );
    for (kind, count) in trouble {
        line.push_str(&format!(", {count} {kind}"));
    }
    if let Some(since) = paused_since {
        line.push_str(&format!(", paused for {}", ago(*since, now)));
    }
    line
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(at))
}

/// A time in its largest unit.
fn span(time: SignedDuration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7_200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

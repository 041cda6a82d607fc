//! `process show|wake`.

use cotejo::{http::view::ProcessView, store::ProcessRecord};
use serde_json::{Map, Value, json};

use crate::{Admin, AdminError, Report, cli::ProcessCommand, operator, wake};

/// The fields of a process without personal data.
const HARMLESS: [&str; 15] = [
    "id",
    "provider",
    "provider_reference",
    "status",
    "status_reason",
    "evidence_state",
    "evidence",
    "certificate",
    "timeline",
    "created_at",
    "updated_at",
    "expires_at",
    "legal_hold_until",
    "held",
    "redacted_at",
];

/// Runs the command.
///
/// # Errors
/// The reason why the command failed.
pub async fn run(admin: &Admin, command: &ProcessCommand) -> Result<Report, AdminError> {
    let (tenant, id, with_personal_data) = match command {
        ProcessCommand::Show { tenant, id, with_personal_data } => (tenant, id, with_personal_data),
        ProcessCommand::Wake(wanted) => return wake::run(admin, wanted).await,
    };
    let record = admin.store.load(&operator(tenant), *id).await?;
    let record = record.ok_or_else(|| AdminError::Missing(format!("process {id} of {tenant}")))?;
    let Value::Object(whole) = Report::json(&ProcessView::of(&record.process))?.value().clone() else {
        return Err(AdminError::Input("the process cannot be shown".to_owned()));
    };
    let keep = |name: &str| *with_personal_data || HARMLESS.contains(&name);
    let mut shown: Map<String, Value> = whole.into_iter().filter(|(name, _)| keep(name)).collect();
    shown.insert("record".to_owned(), around(&record));
    Report::json(&shown)
}

/// The state of the item itself: what is still to be done, and when.
fn around(record: &ProcessRecord) -> Value {
    json!({
        "version": record.version,
        "wake_token": record.wake_token,
        "due_at": record.due_at,
        "next_check_at": record.next_check_at,
        "callbacks_to_apply": record.inbox.len(),
        "events_to_hand_on": record.outbox.len(),
        "failures": record.process.failures,
    })
}

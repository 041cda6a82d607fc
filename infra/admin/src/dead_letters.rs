//! `dead-letters list|replay`.

use cotejo::workflow::replay::{DeadLetter, ReplayRecords, Replayed};

use crate::{Admin, AdminError, Report, cli::DeadLettersCommand};

/// Runs the command.
///
/// # Errors
/// The reason why the command failed; earlier replays stay.
pub async fn run(admin: &Admin, command: &DeadLettersCommand) -> Result<Report, AdminError> {
    let bucket = admin.failed_records.clone();
    let bucket = bucket.ok_or_else(|| AdminError::Input("the setting FAILED_RECORDS_BUCKET is missing".to_owned()))?;
    let records = ReplayRecords::new(&admin.deployment, bucket);
    match command {
        DeadLettersCommand::List => {
            let kept = records.list().await?;
            Report::new(&kept, kept.iter().map(kept_line).collect())
        }
        DeadLettersCommand::Replay { keys } => {
            let keys = match keys.as_slice() {
                [] => records.list().await?.into_iter().map(|kept| kept.key).collect(),
                keys => keys.to_vec(),
            };
            let mut all = Vec::new();
            for key in &keys {
                let replayed = records.replay(key).await?;
                all.push(replayed.ok_or_else(|| AdminError::Missing(format!("record {key}")))?);
            }
            Report::new(&all, all.iter().map(replayed_line).collect())
        }
    }
}

fn kept_line(record: &DeadLetter) -> String {
    let at = record.given_up_at.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string());
    let condition = record.condition.as_deref().unwrap_or("not a dead letter");
    format!("{}  {at}  {condition}  {}", record.key, record.items.join(","))
}

fn replayed_line(replayed: &Replayed) -> String {
    let Replayed { key, woken, gone, deleted } = replayed;
    let end = if *deleted { "deleted" } else { "kept: it names an item that cannot be woken" };
    format!("{key}  woken {woken}  gone {gone}  {end}")
}

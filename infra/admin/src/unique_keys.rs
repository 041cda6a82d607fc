//! `unique-keys list|add|promote|move|remove`.

use cotejo::{
    common::{Operator, TenantId},
    platform::secrets::unique_keys::{KNOWN_AFTER, StepRefused},
    store::guard_moves::GuardMoves,
    workflow::unique_keys::{KeyShown, RotateUniqueKeys},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Admin, AdminError, Report, cli::UniqueKeysCommand, operator};

/// Runs the command.
///
/// # Errors
/// The reason why the command failed; earlier moves stay.
pub async fn run(admin: &Admin, command: &UniqueKeysCommand) -> Result<Report, AdminError> {
    let rotate = RotateUniqueKeys::new(&admin.deployment);
    match command {
        UniqueKeysCommand::List => list(admin, &rotate).await,
        UniqueKeysCommand::Add => step(&rotate.add().await?),
        UniqueKeysCommand::Promote => step(&rotate.promote().await?),
        UniqueKeysCommand::Move { again } => {
            let mut all = Vec::new();
            for (who, since) in tenants(admin).await? {
                let moves = rotate.move_guards(&who.0, since, *again).await?;
                all.push((who.1, Some(moves)));
            }
            Report::new(&all.iter().map(shown).collect::<Vec<_>>(), all.iter().map(tenant_line).collect())
        }
        UniqueKeysCommand::Remove => {
            let all: Vec<_> = tenants(admin).await?.into_iter().map(|((who, _), since)| (who, since)).collect();
            step(&rotate.remove(&all).await?)
        }
    }
}

/// Every tenant, with its creation time.
async fn tenants(admin: &Admin) -> Result<Vec<((Operator, TenantId), Timestamp)>, AdminError> {
    let tenants = admin.store.tenants().await?;
    Ok(tenants.into_iter().map(|tenant| ((operator(&tenant.id), tenant.id), tenant.since)).collect())
}

async fn list(admin: &Admin, rotate: &RotateUniqueKeys) -> Result<Report, AdminError> {
    let (keys, rotation) = rotate.keys().await?;
    let mut moves = Vec::new();
    if let Ok(rotation) = &rotation {
        for ((who, id), _) in tenants(admin).await? {
            moves.push((id, rotate.progress(&who, rotation).await?));
        }
    }
    let is_moved = moves.iter().all(|(_, moves)| moves.as_ref().is_some_and(|moves| moves.place.is_none()));
    let next = next(&keys, rotation.err(), is_moved);
    let mut lines: Vec<_> = keys.iter().map(key_line).collect();
    lines.extend(moves.iter().map(tenant_line));
    lines.push(format!("next: {next}"));
    let tenants: Vec<_> = moves.iter().map(shown).collect();
    Report::new(&json!({"keys": keys, "tenants": tenants, "next": next}), lines)
}

/// The next step of the rotation.
fn next(keys: &[KeyShown], refused: Option<StepRefused>, is_moved: bool) -> String {
    match (refused, keys) {
        (None, _) if is_moved => "remove".to_owned(),
        (None, _) => "move".to_owned(),
        (Some(StepRefused::OneKey(_)), _) => "nothing; `add` starts a rotation".to_owned(),
        (Some(StepRefused::NotFirstYet { until, .. }), _) => format!("move, after {until}"),
        (Some(StepRefused::NotPromoted(_)), [_, second]) => match second.added_at {
            Some(at) => format!("promote, after {}", at + KNOWN_AFTER),
            None => "promote".to_owned(),
        },
        (Some(refused), _) => refused.to_string(),
    }
}

fn step(keys: &[KeyShown]) -> Result<Report, AdminError> {
    Report::new(&keys, keys.iter().map(key_line).collect())
}

fn key_line(key: &KeyShown) -> String {
    let at = |word: &str, at: Option<Timestamp>| at.map_or_else(String::new, |at| format!("  {word} {at}"));
    format!("{}{}{}", key.id, at("added", key.added_at), at("first since", key.first_since))
}

fn shown((tenant, moves): &(TenantId, Option<GuardMoves>)) -> Value {
    let moves = moves.as_ref();
    json!({
        "tenant": tenant,
        "records": moves.map_or(0, |moves| moves.records),
        "moved": moves.map_or(0, |moves| moves.moved),
        "in_dispute": moves.map(|moves| moves.in_dispute.clone()).unwrap_or_default(),
        "done": moves.is_some_and(|moves| moves.place.is_none()),
        "updated_at": moves.map(|moves| moves.updated_at),
    })
}

fn tenant_line((tenant, moves): &(TenantId, Option<GuardMoves>)) -> String {
    let Some(moves) = moves else { return format!("{tenant}  not started") };
    let state = if moves.place.is_none() { "done" } else { "running" };
    let mut line = format!("{tenant}  {state}  {} records seen, {} moved", moves.records, moves.moved);
    for id in &moves.in_dispute {
        line.push_str(&format!("  in dispute: {id}"));
    }
    line
}

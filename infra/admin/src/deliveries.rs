//! `delivery replay`.

use cotejo::{common::Actor, workflow::deliveries::Deliveries};
use serde_json::json;

use crate::{Admin, AdminError, Report, cli::DeliveryCommand, operator};

/// Runs the command.
///
/// # Errors
/// The reason why the command failed; earlier replays stay.
pub async fn run(admin: &Admin, command: &DeliveryCommand) -> Result<Report, AdminError> {
    let DeliveryCommand::Replay { tenant, ids } = command;
    let deliveries = Deliveries::new(&admin.deployment);
    let mut replayed = Vec::new();
    for id in ids {
        let delivery = deliveries.replay_any(&operator(tenant), *id, &Actor::operator()).await?;
        let delivery = delivery.ok_or_else(|| AdminError::Missing(format!("delivery {id} of {tenant}")))?;
        replayed.push(json!({"id": id, "event_id": delivery.event_id, "state": delivery.state.as_str()}));
    }
    let lines = ids.iter().map(|id| format!("{id}  will be delivered again")).collect();
    Report::new(&replayed, lines)
}

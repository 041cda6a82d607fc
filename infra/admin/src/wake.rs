//! `process wake`.

use cotejo::{
    common::{TenantId, page::Cursor},
    providers::Providers,
    workflow::wake::{WakeProcesses, Wanted},
};
use serde_json::json;

use crate::{Admin, AdminError, Report, cli, operator, providers};

/// Runs the command, tenant by tenant, until all processes are woken or the limit is reached.
///
/// # Errors
/// The reason why the command failed; processes that were woken before stay woken.
pub async fn run(admin: &Admin, words: &cli::WakeProcesses) -> Result<Report, AdminError> {
    let known = Providers::new(admin.deployment.factories, &admin.deployment.platform.config);
    providers::known(&known, &words.provider)?;
    let (first, mut place) = match &words.from {
        Some(from) => place_of(from)?,
        None => (None, None),
    };
    let tenants = match &words.tenant {
        Some(tenant) => vec![admin.tenant(tenant).await?],
        None => admin.store.tenants().await?,
    };
    let wanted = Wanted { provider: words.provider.clone(), since: words.since, with_ended: words.with_ended };
    let wake = WakeProcesses::new(&admin.deployment);
    let (mut left, mut woken, mut lines) = (words.limit as usize, Vec::new(), Vec::new());
    let mut next = None;
    for tenant in
        tenants.iter().filter(|tenant| first.as_ref().is_none_or(|first| tenant.id.as_str() >= first.as_str()))
    {
        let here = place.take().filter(|_| first.as_ref() == Some(&tenant.id));
        if left == 0 {
            next = Some(place_after(&tenant.id, None));
            break;
        }
        // The list is an index that may lag, and a recent pause counts.
        if admin.tenant(&tenant.id).await?.paused.contains_key(&words.provider) {
            lines.push(format!("{}  {} is paused, none woken", tenant.id, words.provider));
            woken.push(json!({"tenant": tenant.id, "woken": 0, "paused": true}));
            continue;
        }
        let done = wake.run(&operator(&tenant.id), &wanted, here, left).await?;
        left = left.saturating_sub(done.woken);
        if done.woken > 0 {
            lines.push(format!("{}  {} woken", tenant.id, done.woken));
            woken.push(json!({"tenant": tenant.id, "woken": done.woken, "paused": false}));
        }
        if let Some(rest) = done.rest {
            next = Some(place_after(&tenant.id, Some(&rest)));
            break;
        }
    }
    lines.push(match &next {
        Some(next) => format!("there are more: after these have ended, run the same command with --from {next}"),
        None => "no process is left".to_owned(),
    });
    Report::new(&json!({"tenants": woken, "from": next}), lines)
}

/// A place in the form of the command line: a tenant, and where its list continues.
fn place_after(tenant: &TenantId, rest: Option<&Cursor>) -> String {
    format!("{tenant}:{}", rest.map(Cursor::encode).unwrap_or_default())
}

fn place_of(text: &str) -> Result<(Option<TenantId>, Option<Cursor>), AdminError> {
    let wrong = || AdminError::Input("--from must be a value that an earlier run printed".to_owned());
    let (tenant, rest) = text.split_once(':').ok_or_else(wrong)?;
    let rest = if rest.is_empty() { None } else { Some(Cursor::decode(rest).ok_or_else(wrong)?) };
    Ok((Some(tenant.parse().map_err(|_| wrong())?), rest))
}

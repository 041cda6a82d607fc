//! `tenant create|list|set`.

use cotejo::{
    common::TenantId,
    store::{StoreError, Tenant},
    workflow::conflict::Races,
};

use crate::{
    Admin, AdminError, Report,
    cli::{TenantChange, TenantCommand},
    report,
};

/// Runs the command.
///
/// # Errors
/// The reason why the command failed.
pub async fn run(admin: &Admin, command: &TenantCommand) -> Result<Report, AdminError> {
    match command {
        TenantCommand::Create { tenant, name, settings } => {
            let now = admin.deployment.platform.seams.clock.now();
            let mut new = Tenant::new(tenant.clone(), report::name(name)?, now);
            new.retention_days = settings.retention_days;
            new.per_minute = settings.per_minute.unwrap_or(new.per_minute);
            match admin.store.create_tenant(&new).await {
                Ok(()) => one(&new),
                Err(StoreError::Conflict) => Err(AdminError::Exists(format!("tenant {tenant}"))),
                Err(error) => Err(error.into()),
            }
        }
        TenantCommand::List => {
            let tenants = admin.store.tenants().await?;
            Report::new(&tenants, tenants.iter().map(line).collect())
        }
        TenantCommand::Set(change) => set(admin, change).await,
    }
}

async fn set(admin: &Admin, wanted: &TenantChange) -> Result<Report, AdminError> {
    let TenantChange { tenant, name, settings, no_retention, suspend, resume } = wanted;
    let name = name.as_deref().map(report::name).transpose()?;
    let changed = change(admin, tenant, |tenant| {
        tenant.name = name.clone().unwrap_or(std::mem::take(&mut tenant.name));
        tenant.retention_days = if *no_retention { None } else { settings.retention_days.or(tenant.retention_days) };
        tenant.per_minute = settings.per_minute.unwrap_or(tenant.per_minute);
        tenant.suspended = *suspend || (tenant.suspended && !*resume);
    });
    one(&changed.await?)
}

/// Changes the current state of a tenant, and retries after a conflict.
pub(crate) async fn change(admin: &Admin, id: &TenantId, change: impl Fn(&mut Tenant)) -> Result<Tenant, AdminError> {
    let mut races = Races::new(&admin.deployment.platform.seams);
    loop {
        let before = admin.tenant(id).await?;
        let mut after = before.clone();
        change(&mut after);
        if races.won(admin.store.change_tenant(&before, &after).await).await? {
            return Ok(after);
        }
    }
}

fn one(tenant: &Tenant) -> Result<Report, AdminError> {
    Report::new(tenant, vec![line(tenant)])
}

fn line(tenant: &Tenant) -> String {
    let Tenant { id, name, since, retention_days, per_minute, suspended, paused } = tenant;
    let retention = retention_days.map_or_else(|| "kept".to_owned(), |days| format!("redacted after {days} days"));
    let state = if *suspended { "suspended" } else { "active" };
    let paused: String = paused.keys().map(|provider| format!("  {provider} paused")).collect();
    format!("{id}  {state}  since {since}  {per_minute} a minute  {retention}{paused}  {name}")
}

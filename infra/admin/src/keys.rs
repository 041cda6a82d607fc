//! `key create|list|revoke`.

use cotejo::{common::Scope, store::ApiKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::{Admin, AdminError, Report, cli::KeyCommand, operator, report};

/// Runs the command.
///
/// # Errors
/// The reason why the command failed.
pub async fn run(admin: &Admin, command: &KeyCommand) -> Result<Report, AdminError> {
    match command {
        KeyCommand::Create { tenant, name, scopes, all_scopes, expires_at } => {
            let now = admin.deployment.platform.seams.clock.now();
            if expires_at.is_some_and(|end| end <= now) {
                return Err(AdminError::Input("--expires-at must be in the future".to_owned()));
            }
            let tenant = admin.tenant(tenant).await?;
            let scopes = Scope::ALL.into_iter().filter(|scope| *all_scopes || scopes.contains(scope));
            let key = ApiKey {
                key_id: format!("key_{}", random::<8>(admin)),
                name: report::name(name)?,
                scopes: scopes.collect(),
                created_at: now,
                expires_at: *expires_at,
                revoked_at: None,
            };
            let secret = SecretString::from(format!("cotejo_live_{}", random::<24>(admin)));
            admin.store.put_api_key(&tenant, secret.expose_secret(), &key).await?;
            let shown = secret.expose_secret();
            Report::new(&json!({"key": key, "secret": shown}), vec![line(&key), shown.to_owned()])
        }
        KeyCommand::List { tenant } => {
            let tenant = admin.tenant(tenant).await?;
            let keys = admin.store.api_keys(&operator(&tenant.id)).await?;
            Report::new(&keys, keys.iter().map(line).collect())
        }
        KeyCommand::Revoke { tenant, key_id } => {
            let now = admin.deployment.platform.seams.clock.now();
            let key = admin.store.revoke_api_key(&operator(tenant), key_id, now).await?;
            let key = key.ok_or_else(|| AdminError::Missing(format!("key {key_id} of {tenant}")))?;
            Report::new(&key, vec![line(&key)])
        }
    }
}

/// Random bytes, as hexadecimal text.
fn random<const BYTES: usize>(admin: &Admin) -> String {
    let mut bytes = [0; BYTES];
    admin.deployment.platform.seams.entropy.fill(&mut bytes);
    hex::encode(bytes)
}

fn line(key: &ApiKey) -> String {
    let ApiKey { key_id, name, scopes, created_at, expires_at, revoked_at } = key;
    let state = match (revoked_at, expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "active".to_owned(),
    };
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    format!("{key_id}  {state}  since {created_at}  {}  {name}", scopes.join(","))
}

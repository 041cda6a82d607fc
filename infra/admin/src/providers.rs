//! `provider set|list|pause|resume|webhook`.

use std::{io::Read, path::Path};

use cotejo::{
    notify::sms::{self, SmsAccount},
    platform::secrets::Account,
    providers::{
        NoProvider, Providers,
        callback_token::{self, Purpose},
        registry::read_account,
    },
    workflow::TENANT_FRESH_FOR,
};
use serde_json::json;

use crate::{Admin, AdminError, Report, cli::ProviderCommand, tenants};

const MAX_ACCOUNT_BYTES: u64 = 64 * 1024;

/// Runs the command. An account without a file is read from `input`.
pub async fn run(
    admin: &Admin,
    command: &ProviderCommand,
    input: &mut (dyn Read + Send),
) -> Result<Report, AdminError> {
    let (secrets, config) = (&admin.deployment.platform.secrets, &admin.deployment.platform.config);
    let providers = Providers::new(admin.deployment.factories, config);
    match command {
        ProviderCommand::Set { tenant, provider, file } => {
            let tenant = admin.tenant(tenant).await?;
            let account = account(file.as_deref(), input)?;
            if provider == sms::ACCOUNT {
                let account: SmsAccount = read_account(&account).map_err(|problem| refused(provider, problem))?;
                let unusable = |refused| AdminError::Input(format!("the account's url is not allowed: {refused}"));
                account.check(config.allow_loopback).map_err(unusable)?;
            } else {
                providers.check(provider, &account).map_err(|problem| refused(provider, problem))?;
            }
            secrets.set_account(&tenant.id, provider, &account).await?;
            Report::new(&json!({"tenant": tenant.id, "provider": provider}), vec![provider.clone()])
        }
        ProviderCommand::List { tenant } => {
            let accounts = secrets.accounts(&admin.tenant(tenant).await?.id).await?;
            Report::new(&accounts, accounts.clone())
        }
        ProviderCommand::Pause { tenant, provider } => {
            known(&providers, provider)?;
            let now = admin.deployment.platform.seams.clock.now();
            let tenant = tenants::change(admin, tenant, |tenant| {
                tenant.paused.entry(provider.clone()).or_insert(now);
            });
            let since = tenant.await?.paused.get(provider).copied();
            let said = format!(
                "{provider} is paused; all functions stop using it within {} seconds",
                TENANT_FRESH_FOR.as_secs()
            );
            Report::new(&json!({"provider": provider, "paused_since": since}), vec![said])
        }
        ProviderCommand::Resume { tenant, provider } => {
            known(&providers, provider)?;
            tenants::change(admin, tenant, |tenant| {
                tenant.paused.remove(provider);
            })
            .await?;
            let said = format!("{provider} is no longer paused");
            Report::new(&json!({"provider": provider, "paused_since": null}), vec![said])
        }
        ProviderCommand::Webhook { tenant, provider } => {
            let tenant = admin.tenant(tenant).await?;
            known(&providers, provider)?;
            let token = callback_token::mint(&*secrets.current().await?, provider, &tenant.id, None, Purpose::Webhook)?;
            let base = config.public_url.as_deref().unwrap_or_default();
            let url = format!("{base}/callbacks/{provider}/{token}");
            Report::new(&json!({"url": url}), vec![url.clone()])
        }
    }
}

/// Refuses a provider that does not exist.
pub(crate) fn known(providers: &Providers, provider: &str) -> Result<(), AdminError> {
    if providers.known(provider) == provider { Ok(()) } else { Err(refused(provider, NoProvider::Unknown)) }
}

fn refused(provider: &str, problem: NoProvider) -> AdminError {
    AdminError::Provider { provider: provider.to_owned(), problem }
}

/// Reads an account from a file or from `input`. No error repeats its content.
fn account(file: Option<&Path>, input: &mut (dyn Read + Send)) -> Result<Account, AdminError> {
    let what = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let failed = |source| AdminError::File { what: what.clone(), source };
    let mut text = String::new();
    match file {
        Some(file) => std::fs::File::open(file).map_err(failed)?.take(MAX_ACCOUNT_BYTES).read_to_string(&mut text),
        None => input.take(MAX_ACCOUNT_BYTES).read_to_string(&mut text),
    }
    .map_err(failed)?;
    serde_json::from_str(&text).map_err(|_| AdminError::Input(format!("{what} is not a JSON object")))
}

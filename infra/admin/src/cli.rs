//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use cotejo::{
    common::{Scope, TenantId, values::time},
    process::ProcessId,
};
use jiff::Timestamp;
use uuid::Uuid;

/// Operates a deployment of Cotejo: one on AWS by the settings of the environment (`docs/deploy.md`), or a local one.
#[derive(Debug, Parser)]
#[command(name = "cargo admin", disable_version_flag = true)]
pub struct Arguments {
    /// Operate the local system with this data directory (default .local)
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".local")]
    pub local: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what is overdue, delayed or failing, and each provider's last hour
    Status,
    /// Manage the customers of this deployment
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Manage a tenant's API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Manage a tenant's accounts at the providers
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Show and wake verifications
    #[command(subcommand)]
    Process(ProcessCommand),
    /// Send notifications to customers' systems again
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// Manage stream records that failed after repeated attempts
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Rotate the keys that protect unique values (docs/deploy.md)
    #[command(subcommand)]
    UniqueKeys(UniqueKeysCommand),
}

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Create a tenant
    Create {
        /// The tenant's id: 1 to 40 lower-case letters, digits or -
        tenant: TenantId,
        /// A name for people
        #[arg(long)]
        name: String,
        #[command(flatten)]
        settings: TenantSettings,
    },
    /// List all tenants
    List,
    /// Change a tenant's settings; a setting that is not given stays as it is
    Set(TenantChange),
}

#[derive(Debug, Args)]
pub struct TenantChange {
    /// The tenant's id
    pub tenant: TenantId,
    /// A name for people
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub settings: TenantSettings,
    /// Redact a process only on request
    #[arg(long, conflicts_with = "retention_days")]
    pub no_retention: bool,
    /// Refuse the tenant's keys; takes effect everywhere within 30 seconds
    #[arg(long, conflicts_with = "resume")]
    pub suspend: bool,
    /// Accept the tenant's keys again
    #[arg(long)]
    pub resume: bool,
}

#[derive(Debug, Args)]
pub struct TenantSettings {
    /// Redact a process this many days after its end
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub retention_days: Option<u32>,
    /// The tenant's limit of requests per minute
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub per_minute: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a key and print it; it is stored nowhere and cannot be shown again
    Create {
        /// The tenant's id
        tenant: TenantId,
        /// A name for people
        #[arg(long)]
        name: String,
        /// A scope of the key; may be repeated
        #[arg(long = "scope", value_parser = scope, required_unless_present = "all_scopes")]
        scopes: Vec<Scope>,
        /// Give the key every scope
        #[arg(long, conflicts_with = "scopes")]
        all_scopes: bool,
        /// When the key expires, such as 2026-12-31 or 2026-12-31T23:59:59Z
        #[arg(long, value_parser = moment)]
        expires_at: Option<Timestamp>,
    },
    /// List a tenant's keys, including revoked ones
    List {
        /// The tenant's id
        tenant: TenantId,
    },
    /// Revoke a key; takes effect everywhere within 30 seconds
    Revoke {
        /// The tenant's id
        tenant: TenantId,
        /// The key's public id
        key_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Create or replace an account; docs/deploy.md lists its fields
    Set {
        /// The tenant's id
        tenant: TenantId,
        /// The provider's name
        provider: String,
        /// A file with the account as JSON (default: standard input)
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// List the providers at which a tenant has an account
    List {
        /// The tenant's id
        tenant: TenantId,
    },
    /// Pause a provider for a tenant: Cotejo sends it no requests, and still accepts its callbacks
    Pause {
        /// The tenant's id
        tenant: TenantId,
        /// The provider's name
        provider: String,
    },
    /// End the pause of a provider
    Resume {
        /// The tenant's id
        tenant: TenantId,
        /// The provider's name
        provider: String,
    },
    /// Print the callback URL for a provider that takes one URL for the whole account
    Webhook {
        /// The tenant's id
        tenant: TenantId,
        /// The provider's name
        provider: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ProcessCommand {
    /// Show a process as JSON
    Show {
        /// The tenant's id
        tenant: TenantId,
        /// The process's id
        id: ProcessId,
        /// Include the person's data
        #[arg(long)]
        with_personal_data: bool,
    },
    /// Refresh a provider's open processes now, for example after an outage
    Wake(WakeProcesses),
}

#[derive(Debug, Args)]
pub struct WakeProcesses {
    /// The provider's name
    #[arg(long)]
    pub provider: String,
    /// Only processes created at or after this time, such as 2026-12-31T23:59:59Z
    #[arg(long)]
    pub since: Timestamp,
    /// Only this tenant's processes
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Include processes that have ended
    #[arg(long)]
    pub with_ended: bool,
    /// The largest number of processes; the output says where to continue
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Continue where an earlier run ended
    #[arg(long, value_name = "PLACE")]
    pub from: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// Send deliveries again, with the same event ids
    Replay {
        /// The tenant's id
        tenant: TenantId,
        /// The ids of the deliveries
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List all dead letters
    List,
    /// Wake the items of the dead letters again, and delete the dead letters
    Replay {
        /// Only these dead letters, by their keys in the bucket
        keys: Vec<String>,
    },
}

/// The keys of unique values: `add`, ten minutes later `promote`, ten minutes later `move`, then `remove`.
#[derive(Debug, Subcommand)]
pub enum UniqueKeysCommand {
    /// List the keys, the next step and the progress
    List,
    /// Add a second key; functions read with it and do not write with it yet
    Add,
    /// Make the second key the first: functions write new values with it
    Promote,
    /// Move the guards of all records to the first key; a stopped move continues where it was
    Move {
        /// Start from the beginning, even if all were moved
        #[arg(long)]
        again: bool,
    },
    /// Remove the second key, once no guard uses it
    Remove,
}

fn scope(name: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::from_name(name).ok_or_else(|| format!("is not one of {}", known()))
}

/// A time, in the formats of the API.
fn moment(text: &str) -> Result<Timestamp, String> {
    time::moment(text).ok_or_else(|| "must be a day or a moment such as 2026-12-31T23:59:59Z".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_words_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_runbook_s_commands_are_commands() {
        let runbook = include_str!("../../../docs/runbook.md");
        let commands = runbook.split('`').filter_map(|text| text.strip_prefix("cargo admin "));
        let lines = runbook.lines().filter_map(|line| line.strip_prefix("cargo admin "));
        let lines = lines.map(|line| line.split('#').next().unwrap_or_default());
        let mut count = 0;
        for command in commands.chain(lines) {
            let command = command.replace("TENANT", "acme").replace(" ID…", " 0192a1b2-0000-8000-8000-000000000000");
            let command = command.replace("per-minute N", "per-minute 9");
            let words = std::iter::once("admin").chain(command.split_whitespace());
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{command}: {error}");
            }
            count += 1;
        }
        assert!(count > 30, "{count}");
    }

    #[test]
    fn a_directory_is_named_with_an_equals_sign_so_that_none_needs_to_be() {
        let local = |words: &str| {
            let words = std::iter::once("admin").chain(words.split(' '));
            Arguments::try_parse_from(words).expect("arguments").local
        };
        assert_eq!(local("tenant list"), None);
        assert_eq!(local("--local tenant list"), Some(".local".into()));
        assert_eq!(local("tenant list --local=/x"), Some("/x".into()));
    }
}

//! The commands and their words.

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
    /// The local system with this data directory (.local where none is named)
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".local")]
    pub local: Option<PathBuf>,
    /// Say it as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What is overdue, behind, failing or given up, and each provider's last hour
    Status,
    /// Customers of this deployment
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// API keys of a tenant
    #[command(subcommand)]
    Key(KeyCommand),
    /// A tenant's accounts at verification companies
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Verifications
    #[command(subcommand)]
    Process(ProcessCommand),
    /// What is told to customers' systems
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// Stream records that were given up
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// The keys of unique values, and replacing one by another (docs/deploy.md)
    #[command(subcommand)]
    UniqueKeys(UniqueKeysCommand),
}

/// Customers of this deployment.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Set up a new one
    Create {
        /// Its id: 1 to 40 lower-case letters, digits or -
        tenant: TenantId,
        /// What people call it
        #[arg(long)]
        name: String,
        /// What is set up for it.
        #[command(flatten)]
        settings: TenantSettings,
    },
    /// All of them
    List,
    /// Change what is set up for one; what is not named stays
    Set(TenantChange),
}

/// What is to become of a tenant.
#[derive(Debug, Args)]
pub struct TenantChange {
    /// Its id
    pub tenant: TenantId,
    /// What people call it
    #[arg(long)]
    pub name: Option<String>,
    /// What is set up for it.
    #[command(flatten)]
    pub settings: TenantSettings,
    /// Redact nothing unasked
    #[arg(long, conflicts_with = "retention_days")]
    pub no_retention: bool,
    /// Refuse its keys, within 30 seconds everywhere
    #[arg(long, conflicts_with = "resume")]
    pub suspend: bool,
    /// Take its keys again
    #[arg(long)]
    pub resume: bool,
}

/// What may be set up for a tenant.
#[derive(Debug, Args)]
pub struct TenantSettings {
    /// Redact a process so many days after its end
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub retention_days: Option<u32>,
    /// Requests a minute that it may make
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub per_minute: Option<u32>,
}

/// API keys of a tenant.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make one, and print its secret, which is kept nowhere
    Create {
        /// Whose
        tenant: TenantId,
        /// What people call it
        #[arg(long)]
        name: String,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_parser = scope, required_unless_present = "all_scopes")]
        scopes: Vec<Scope>,
        /// It may do everything
        #[arg(long, conflicts_with = "scopes")]
        all_scopes: bool,
        /// Until when it is good, as 2026-12-31 or 2026-12-31T23:59:59Z
        #[arg(long, value_parser = moment)]
        expires_at: Option<Timestamp>,
    },
    /// All of a tenant, those that were revoked included
    List {
        /// Whose
        tenant: TenantId,
    },
    /// Refuse one from now on, within 30 seconds everywhere
    Revoke {
        /// Whose
        tenant: TenantId,
        /// Its public id
        key_id: String,
    },
}

/// A tenant's accounts at verification companies.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Make or replace one; its fields are in docs/deploy.md
    Set {
        /// Whose
        tenant: TenantId,
        /// The company
        provider: String,
        /// The account as JSON; standard input where no file is named
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Where a tenant has one
    List {
        /// Whose
        tenant: TenantId,
    },
    /// Leave a company alone: nothing is created there and it is asked nothing; its callbacks are taken
    Pause {
        /// Whose
        tenant: TenantId,
        /// The company
        provider: String,
    },
    /// End a pause
    Resume {
        /// Whose
        tenant: TenantId,
        /// The company
        provider: String,
    },
    /// Where a company calls back that is told one address for the whole account
    Webhook {
        /// Whose
        tenant: TenantId,
        /// The company
        provider: String,
    },
}

/// Verifications.
#[derive(Debug, Subcommand)]
pub enum ProcessCommand {
    /// One as it stands, as JSON
    Show {
        /// Whose
        tenant: TenantId,
        /// Its id
        id: ProcessId,
        /// Show the person too
        #[arg(long)]
        with_personal_data: bool,
    },
    /// Look at a company's open processes now, once it is well again
    Wake(WakeProcesses),
}

/// Which processes are to be looked at now.
#[derive(Debug, Args)]
pub struct WakeProcesses {
    /// The company
    #[arg(long)]
    pub provider: String,
    /// Those created since then, as 2026-12-31T23:59:59Z
    #[arg(long)]
    pub since: Timestamp,
    /// Only this tenant's
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Those that have ended too
    #[arg(long)]
    pub with_ended: bool,
    /// So many at most; what comes out says where to go on
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Go on where an earlier run ended
    #[arg(long, value_name = "PLACE")]
    pub from: Option<String>,
}

/// What is told to customers' systems.
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// Deliver again, under the same event ids
    Replay {
        /// Whose
        tenant: TenantId,
        /// The deliveries' ids
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
}

/// Stream records that were given up.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// All that are kept
    List,
    /// Wake again what they are about, and delete them
    Replay {
        /// Only these, by their keys in the bucket
        keys: Vec<String>,
    },
}

/// The keys of unique values: `add`, ten minutes later `promote`, ten minutes later `move`, then `remove`.
#[derive(Debug, Subcommand)]
pub enum UniqueKeysCommand {
    /// Which there are, what is to be done next, and how far it is
    List,
    /// Make a new one: every function learns to look at it, none writes it yet
    Add,
    /// Put the second one first: new values are guarded by it
    Promote,
    /// Move the guards of all records to the first one; stopped, it goes on where it was
    Move {
        /// From the beginning, although all were moved
        #[arg(long)]
        again: bool,
    },
    /// Remove the second one, once nothing is guarded by it
    Remove,
}

fn scope(name: &str) -> Result<Scope, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::from_name(name).ok_or_else(|| format!("is not one of {}", known()))
}

/// A moment, as it is read everywhere.
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

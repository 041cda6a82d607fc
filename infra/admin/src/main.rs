//! `cargo admin`: see [`cotejo_admin::cli`].

use std::process::ExitCode;

use clap::Parser as _;
use cotejo::{platform::Seams, providers::PROVIDERS};
use cotejo_admin::{Admin, AdminError, Arguments, Report, Settings};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Logs go to standard error, apart from the output for the user.
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(level).init();
    let arguments = Arguments::parse();
    match run(&arguments).await.and_then(|report| report.write(arguments.json, &mut std::io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Report, AdminError> {
    let settings = Settings::read(arguments.local.as_deref()).await?;
    Admin::new(&settings, Seams::real(), PROVIDERS)?.run(&arguments.command, &mut std::io::stdin()).await
}

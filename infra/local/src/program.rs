//! The process of `cargo local`: its log, its environment, its end.
//!
//! This is here and not in `main.rs` so that a program which only has to be linked is all that is left to build there.

use std::{collections::HashMap, process::ExitCode};

use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Arguments, run},
    settings::NAMES,
};

/// What `main` does.
#[tokio::main]
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse(std::env::args().skip(1));
    // The functions' logs, apart from what is said to the user.
    let requests =
        if arguments.as_ref().is_ok_and(|arguments| arguments.log) { ",cotejo_local::requests=info" } else { "" };
    let level =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("warn,dynoxide=error{requests}")));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(level)
        // A closed terminal must not stop a program that logs.
        .log_internal_errors(false)
        .init();
    let environment: HashMap<_, _> =
        NAMES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    let outcome = match arguments {
        Ok(arguments) => run(arguments, environment, stopped()).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns on Ctrl-C or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

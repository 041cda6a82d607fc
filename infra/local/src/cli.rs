//! The command line: `cargo local [demo] [flags]`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use cotejo::{platform::Seams, providers::PROVIDERS};
use cotejo_sandbox::Times;

use crate::{
    demo,
    options::{LocalError, Mode, Options},
    runtime::Local,
    settings::{MARK, STORES},
};

/// What `--help` prints.
pub const HELP: &str = "\
Runs the whole of Cotejo on this machine.

  cargo local [flags]         stays up until Ctrl-C
  cargo local demo [flags]    plays verifications to their end and says what came of them

  --port PORT      port of the API (default 9000; the demo takes any that is free)
  --data DIR       where everything is kept (default .local; the demo keeps nothing)
  --fresh          forget what is kept there
  --aws-only       only the stores and the sandbox, for functions that run elsewhere
  --log            say each request: method, route, status, time
  --outside-stores the demo takes the stores that the environment names, and writes into them
  --speed FACTOR   how much faster than in life people, reviewers and links are in the sandbox (default 1)

Where it is up, DIR/env has its address and a key for shells, and DIR/functions.env the settings of functions.
The environment may replace parts: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_S3, COTEJO_AUCO_URL (with
COTEJO_AUCO_PUBLIC_KEY and COTEJO_AUCO_PRIVATE_KEY), COTEJO_LINK_URL (with COTEJO_LINK_USER and
COTEJO_LINK_PASSWORD), COTEJO_TECALIS_URL (with COTEJO_TECALIS_API_KEY).
";

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// What to do.
    pub command: Command,
    /// `--port`.
    pub port: Option<u16>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--fresh`.
    pub fresh: bool,
    /// `--aws-only`.
    pub aws_only: bool,
    /// `--log`.
    pub log: bool,
    /// `--outside-stores`.
    pub outside_stores: bool,
    /// `--speed`.
    pub speed: Option<f64>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Stay up.
    Serve,
    /// Play the demo.
    Demo,
    /// Print [`HELP`].
    Help,
}

impl Arguments {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// One line that names the word which makes no sense.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            command: Command::Serve,
            port: None,
            data: None,
            fresh: false,
            aws_only: false,
            log: false,
            outside_stores: false,
            speed: None,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (flag, mut given) = match word.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
                None => (word, None),
            };
            let mut value =
                |what: &str| given.take().or_else(|| words.next()).ok_or_else(|| format!("{flag} needs {what}"));
            match flag.as_str() {
                "demo" => arguments.command = Command::Demo,
                "--help" | "-h" => arguments.command = Command::Help,
                "--port" => {
                    let port = value("a port")?;
                    arguments.port = Some(port.parse().map_err(|_| format!("--port: {port} is not a port"))?);
                }
                "--data" => arguments.data = Some(value("a directory")?.into()),
                "--fresh" => arguments.fresh = true,
                "--aws-only" => arguments.aws_only = true,
                "--log" => arguments.log = true,
                "--outside-stores" => arguments.outside_stores = true,
                "--speed" => {
                    let factor = value("a factor")?;
                    let speed = factor.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
                    arguments.speed = Some(speed.ok_or_else(|| format!("--speed: {factor} is not a number above 0"))?);
                }
                unknown => return Err(format!("{unknown} is not known; see --help")),
            }
            if given.is_some() {
                return Err(format!("{flag} takes no value"));
            }
        }
        if arguments.command == Command::Demo && arguments.aws_only {
            return Err("--aws-only: the demo needs the functions".to_owned());
        }
        if arguments.command == Command::Serve && arguments.outside_stores {
            return Err("--outside-stores: is for the demo; without it the environment's stores are used".to_owned());
        }
        Ok(arguments)
    }
}

/// Does what was asked for. `environment` holds what [`crate::settings::NAMES`] names; `stopped` returns when the user
/// wants an end.
///
/// # Errors
/// One line for the user.
pub async fn run(
    arguments: Arguments,
    environment: HashMap<String, String>,
    stopped: impl Future<Output = ()>,
) -> Result<(), String> {
    if arguments.command != Command::Help {
        refuse_exported(&environment)?;
    }
    match arguments.command {
        Command::Help => {
            println!("{HELP}");
            Ok(())
        }
        Command::Serve => serve(arguments, environment, stopped).await.map_err(|error| error.to_string()),
        Command::Demo => {
            let environment = if arguments.outside_stores { environment } else { without_stores(environment) };
            tokio::select! {
                outcome = demo::run(&arguments, environment) => outcome,
                () = stopped => Err("stopped".to_owned()),
            }
        }
    }
}

/// The demo plays with what it finds; it finds nobody's stores unless that is asked for.
fn without_stores(mut environment: HashMap<String, String>) -> HashMap<String, String> {
    let left: Vec<_> = STORES.into_iter().filter(|name| environment.remove(*name).is_some()).collect();
    if !left.is_empty() {
        println!("Not used: {}. With --outside-stores the demo writes there.", left.join(", "));
    }
    environment
}

/// Refuses the settings of a running system: a shell that exported its `functions.env` would have this one write into it.
fn refuse_exported(environment: &HashMap<String, String>) -> Result<(), String> {
    let Some(owner) = environment.get(MARK) else { return Ok(()) };
    let mut names: Vec<_> = environment.keys().filter(|name| name.contains("_URL")).map(String::as_str).collect();
    names.sort_unstable();
    Err(format!(
        "this shell has the settings of the system in {owner} ({}): start from another one, or `unset {MARK} {}`",
        names.join(", "),
        names.join(" "),
    ))
}

async fn serve(
    arguments: Arguments,
    overrides: HashMap<String, String>,
    stopped: impl Future<Output = ()>,
) -> Result<(), LocalError> {
    let local = Local::start(Options {
        port: arguments.port.unwrap_or(9000),
        data: Some(arguments.data.unwrap_or_else(|| PathBuf::from(".local"))),
        fresh: arguments.fresh,
        seams: Seams::real(),
        factories: PROVIDERS,
        sandbox_times: Times::default().scaled(1.0 / arguments.speed.unwrap_or(1.0)),
        sandbox_seed: 0,
        mode: Mode::Live,
        functions: !arguments.aws_only,
        overrides,
    })
    .await?;
    greet(&local, arguments.aws_only);
    stopped.await;
    println!("Stopping.");
    local.shutdown().await;
    Ok(())
}

fn greet(local: &Local, aws_only: bool) {
    let (url, key) = (local.url(), local.api_key());
    let (env, functions) = (local.data().join("env"), local.data().join("functions.env"));
    if aws_only {
        println!("The stores and the sandbox are up; the functions are expected at {url}.");
        println!("Settings for them, as KEY=VALUE lines: {}", functions.display());
        println!("Ctrl-C stops.");
        return;
    }
    println!("Cotejo is up at {url}; data and settings are in {}.", shown(local.data()));
    println!();
    println!("Start a verification (the person acts by itself, see infra/sandbox for other ways it can go):");
    println!();
    println!("curl -sS {url}/processes -H 'Authorization: Bearer {key}' \\");
    println!("  -H 'Content-Type: application/json' -H 'Idempotency-Key: first' \\");
    println!("  -d '{}'", demo::example(local));
    if demo::has_placeholders(local) {
        println!();
        println!("Auco is a real one here: put in somebody's own number, address and document.");
    }
    println!();
    println!("See how it goes on, with the id from the answer:");
    println!();
    println!("curl -sS {url}/processes -H 'Authorization: Bearer {key}'");
    println!("curl -sS {url}/processes/ID -H 'Authorization: Bearer {key}'");
    println!("curl -sS {url}/processes/ID/evidence/EVIDENCE_ID -H 'Authorization: Bearer {key}'");
    println!();
    println!("The same as KEY=VALUE lines: {}", env.display());
    println!("Ctrl-C stops; what is under way goes on at the next start.");
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_may_come_in_any_order_and_with_an_equals_sign() {
        let arguments = parse("--fresh demo --port=0 --data /x --speed 2.5").expect("arguments");
        assert_eq!(
            arguments,
            Arguments {
                command: Command::Demo,
                port: Some(0),
                data: Some("/x".into()),
                fresh: true,
                aws_only: false,
                log: false,
                outside_stores: false,
                speed: Some(2.5),
            }
        );
    }

    #[tokio::test]
    async fn a_shell_with_the_settings_of_a_running_system_is_refused() {
        let environment = |names: &[(&str, &str)]| -> HashMap<String, String> {
            names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let exported =
            environment(&[("COTEJO_LOCAL", "/x/.local"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9002")]);
        for line in ["", "demo", "--aws-only"] {
            let arguments = parse(line).expect("arguments");
            let problem = run(arguments, exported.clone(), std::future::pending()).await.expect_err("refused");
            let said = "this shell has the settings of the system in /x/.local (AWS_ENDPOINT_URL_DYNAMODB): \
                        start from another one, or `unset COTEJO_LOCAL AWS_ENDPOINT_URL_DYNAMODB`";
            assert_eq!(problem, said, "{line}");
        }
        let stores = environment(&[("AWS_ENDPOINT_URL_S3", "http://s3.example"), ("COTEJO_AUCO_URL", "http://auco")]);
        assert_eq!(without_stores(stores), environment(&[("COTEJO_AUCO_URL", "http://auco")]));
    }

    #[test]
    fn an_error_names_the_flag() {
        for (line, error) in [
            ("--port", "--port needs a port"),
            ("--port x", "--port: x is not a port"),
            ("--speed 0", "--speed: 0 is not a number above 0"),
            ("--speed NaN", "--speed: NaN is not a number above 0"),
            ("--fresh=yes", "--fresh takes no value"),
            ("--quick", "--quick is not known; see --help"),
            ("--outside-stores", "--outside-stores: is for the demo; without it the environment's stores are used"),
            ("demo --aws-only", "--aws-only: the demo needs the functions"),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()), "{line}");
        }
    }
}

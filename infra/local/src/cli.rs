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

/// The output of `--help`.
pub const HELP: &str = "\
Runs the whole of Cotejo on this machine.

  cargo local [flags]         runs until Ctrl-C
  cargo local demo [flags]    runs verifications to their end and prints the results

  --port PORT      port of the API (default 9000; the demo uses any free port)
  --data DIR       data directory (default .local; the demo stores nothing)
  --fresh          delete the data of earlier runs
  --aws-only       run only the stores and the sandbox, for functions that run elsewhere
  --log            log each request: method, route, status, time
  --outside-stores let the demo write into the stores that the environment names
  --speed FACTOR   speed of people, reviewers and expiring links in the sandbox (default 1: as in life)

While the system runs, DIR/env has its address and an API key for shells, and DIR/functions.env the settings of the functions.
The environment may replace parts: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_S3, COTEJO_AUCO_URL (with
COTEJO_AUCO_PUBLIC_KEY and COTEJO_AUCO_PRIVATE_KEY), COTEJO_LINK_URL (with COTEJO_LINK_USER and
COTEJO_LINK_PASSWORD), COTEJO_TECALIS_URL (with COTEJO_TECALIS_API_KEY).
";

#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    pub command: Command,
    pub port: Option<u16>,
    pub data: Option<PathBuf>,
    pub fresh: bool,
    pub aws_only: bool,
    pub log: bool,
    pub outside_stores: bool,
    pub speed: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Serve,
    Demo,
    Help,
}

impl Arguments {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// One line that names the invalid argument.
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
                unknown => return Err(format!("unknown argument {unknown}; see --help")),
            }
            if given.is_some() {
                return Err(format!("{flag} takes no value"));
            }
        }
        if arguments.command == Command::Demo && arguments.aws_only {
            return Err("--aws-only: the demo needs the functions".to_owned());
        }
        if arguments.command == Command::Serve && arguments.outside_stores {
            return Err("--outside-stores is for the demo; without the demo, the environment's stores are used anyway"
                .to_owned());
        }
        Ok(arguments)
    }
}

/// Runs a command. `environment` holds the variables of [`crate::settings::NAMES`]; `stopped` returns when the user stops the
/// program.
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

/// Removes the environment's stores: the demo writes into them only with `--outside-stores`.
fn without_stores(mut environment: HashMap<String, String>) -> HashMap<String, String> {
    let left: Vec<_> = STORES.into_iter().filter(|name| environment.remove(*name).is_some()).collect();
    if !left.is_empty() {
        println!("Ignored: {}. With --outside-stores the demo writes there.", left.join(", "));
    }
    environment
}

/// Refuses a shell that exported the `functions.env` of a running system: this system would write into that one's stores.
fn refuse_exported(environment: &HashMap<String, String>) -> Result<(), String> {
    let Some(owner) = environment.get(MARK) else { return Ok(()) };
    let mut names: Vec<_> = environment.keys().filter(|name| name.contains("_URL")).map(String::as_str).collect();
    names.sort_unstable();
    Err(format!(
        "this shell has the settings of the system in {owner} ({}): use another shell, or run `unset {MARK} {}`",
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
        println!("The stores and the sandbox are running. They expect the functions at {url}.");
        println!("Settings for them, as KEY=VALUE lines: {}", functions.display());
        println!("Ctrl-C stops.");
        return;
    }
    println!("Cotejo is up at {url}; data and settings are in {}.", shown(local.data()));
    println!();
    println!("Start a verification (the sandbox acts for the person; infra/sandbox lists other scripts):");
    println!();
    println!("curl -sS {url}/processes -H 'Authorization: Bearer {key}' \\");
    println!("  -H 'Content-Type: application/json' -H 'Idempotency-Key: first' \\");
    println!("  -d '{}'", demo::example(local));
    if demo::has_placeholders(local) {
        println!();
        println!("Auco is a real provider here: replace the placeholders with the data of a person who agreed.");
    }
    println!();
    println!("Follow it, with the id from the answer:");
    println!();
    println!("curl -sS {url}/processes -H 'Authorization: Bearer {key}'");
    println!("curl -sS {url}/processes/ID -H 'Authorization: Bearer {key}'");
    println!("curl -sS {url}/processes/ID/evidence/EVIDENCE_ID -H 'Authorization: Bearer {key}'");
    println!();
    println!("The same as KEY=VALUE lines: {}", env.display());
    println!("Ctrl-C stops; unfinished work continues at the next start.");
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
                        use another shell, or run `unset COTEJO_LOCAL AWS_ENDPOINT_URL_DYNAMODB`";
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
            ("--quick", "unknown argument --quick; see --help"),
            (
                "--outside-stores",
                "--outside-stores is for the demo; without the demo, the environment's stores are used anyway",
            ),
            ("demo --aws-only", "--aws-only: the demo needs the functions"),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()), "{line}");
        }
    }
}

//! Starts a system in stages. Each stage gives a struct, and the last one puts them together.

mod seeded;
mod services;
mod stores;
mod streams;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Duration};

use cotejo::{
    platform::{Config, Seams},
    providers::ProviderFactories,
};
use tokio::sync::watch;

use crate::{
    data::{DataDir, DataError, write_private},
    gateway::{self, Routes},
    live,
    options::{LocalError, Mode, Options},
    servers::{Port, Servers, Stop, Tasks},
    settings::{FOR_PEOPLE, Overrides, SystemValues},
    stores::Access,
    system::System,
    template::{DEPLOYED, Function, Template},
};
use seeded::Seeded;
use services::{ServicePorts, Services};
use stores::Stores;
use streams::Streams;

/// A running system.
pub(crate) struct Started {
    pub(crate) system: Arc<System>,
    pub(crate) tasks: Tasks,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) api_key: String,
    pub(crate) webhook_url: String,
    pub(crate) env: BTreeMap<String, String>,
}

/// What every stage needs.
struct Base {
    overrides: Overrides,
    data: DataDir,
    template: Template,
    access: Access,
    seams: Seams,
    mode: Mode,
}

impl Base {
    /// Any function: all have the same table, bucket and secret.
    fn first_function(&self) -> Result<&Function, LocalError> {
        self.template.functions.first().ok_or_else(|| LocalError::Seed("there are no functions".to_owned()))
    }

    /// A file of the data directory; `None` where nothing is to survive the run.
    fn kept_file(&self, name: &str) -> Option<PathBuf> {
        (!self.data.is_temporary()).then(|| self.data.file(name))
    }
}

/// Starts everything, and returns once it answers.
pub(crate) async fn start(options: Options) -> Result<Started, LocalError> {
    let Options { port, data, fresh, seams, factories, sandbox_times, sandbox_seed, mode, functions, overrides } =
        options;
    let overrides = Overrides::new(overrides);
    let data = open_data(data, fresh).await?;
    let servers = bind(port, functions).await?;
    overrides.refuse_own(&servers)?;
    let access = overrides.access(&servers);
    let template = Template::read(DEPLOYED, &overrides.place(&access))?;
    let base = Base { overrides, data, template, access, seams, mode };

    let (stop_sender, stop) = Stop::new();
    let mut tasks = Tasks::new(stop);
    let Servers { api, api_url, sandbox, dynamodb, s3, secrets, mail, lambda } = servers;
    let stores = Stores::open(&base, &mut tasks, dynamodb, s3).await?;
    let ports = ServicePorts { secrets, mail, lambda, sandbox, api_url };
    let services = Services::start(&base, &mut tasks, ports, sandbox_seed, sandbox_times)?;
    let seeded = Seeded::write(&base, &services).await?;
    let streams = if functions { Streams::open(&base, &stores, &services.functions)? } else { Streams::default() };

    let config = services.endpoints.config(base.first_function()?)?;
    let (api_key, webhook_url) = (seeded.api_key.clone(), seeded.webhook_url.clone());
    let system = assemble(base, stores, services, seeded, streams, factories, functions);
    let system = Arc::new(system);
    system.restart_functions()?;
    run(&system, &mut tasks, api).await?;
    let env = environment(&system, &config, &api_key, &webhook_url);
    write_environment(&system.data, &env)?;
    Ok(Started { system, tasks, stop: stop_sender, api_key, webhook_url, env })
}

/// Opens the data directory. A system that is stopping at this moment gets a second to release it.
async fn open_data(path: Option<PathBuf>, fresh: bool) -> Result<DataDir, LocalError> {
    for _ in 0..20 {
        match DataDir::open(path.as_deref(), fresh) {
            Err(DataError::InUse(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            opened => return Ok(opened?),
        }
    }
    Ok(DataDir::open(path.as_deref(), fresh)?)
}

async fn bind(port: u16, functions: bool) -> Result<Servers, LocalError> {
    Servers::bind(port, functions).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => LocalError::PortInUse(port),
        _ => LocalError::Io(error),
    })
}

fn assemble(
    base: Base,
    stores: Stores,
    services: Services,
    seeded: Seeded,
    streams: Streams,
    factories: ProviderFactories,
    has_functions: bool,
) -> System {
    System {
        template: base.template,
        mode: base.mode,
        has_functions,
        functions: services.functions,
        pollers: streams.pollers,
        trimmer: streams.trimmer,
        invocations: services.invocations,
        sandbox: services.sandbox,
        database: stores.database,
        bucket_store: stores.bucket_store,
        endpoints: services.endpoints,
        seams: base.seams,
        factories,
        tenants: seeded.tenants,
        keys: services.keys,
        mailbox: services.mailbox,
        platform: seeded.platform,
        data: base.data,
    }
}

/// Serves the API and starts what runs by itself.
async fn run(system: &Arc<System>, tasks: &mut Tasks, api: Option<Port>) -> Result<(), LocalError> {
    if let Some(api) = api {
        let functions = system.functions.clone();
        let find: gateway::Find = Arc::new(move |name| functions.get(name));
        let routes = Routes::new(&system.template.functions);
        tasks.serve(api, gateway::router(routes, find, system.seams.clone()));
    }
    if system.mode == Mode::Live {
        live::spawn(tasks, system);
        if system.has_functions {
            wait_for_answer(&system.endpoints.api_url).await?;
        }
    }
    Ok(())
}

/// Returns once the API answers.
async fn wait_for_answer(url: &str) -> Result<(), LocalError> {
    let failed = |error: reqwest::Error| LocalError::Io(io::Error::other(format!("{url}/health: {error}")));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().map_err(failed)?;
    let answer = client.get(format!("{url}/health")).send().await.map_err(failed)?;
    answer.error_for_status().map(|_| ()).map_err(failed)
}

fn environment(system: &System, config: &Config, api_key: &str, webhook_url: &str) -> BTreeMap<String, String> {
    let mut triggers = system.template.functions.iter().flat_map(|function| &function.streams);
    system.endpoints.env(&SystemValues {
        api_key,
        webhook_url,
        data: system.data.path(),
        function: config,
        failed_records: triggers.find_map(|trigger| trigger.retry.on_failure_bucket.as_deref()),
    })
}

/// Writes the environment files. `env` comes last: once it is there, everything is up.
fn write_environment(data: &DataDir, env: &BTreeMap<String, String>) -> Result<(), LocalError> {
    let lines = |wanted: &dyn Fn(&str) -> bool| -> String {
        let lines = env.iter().filter(|(name, _)| wanted(name));
        lines.map(|(name, value)| format!("{name}={value}\n")).collect()
    };
    write_private(&data.file("functions.env"), lines(&|_| true).as_bytes())?;
    write_private(&data.file("env"), lines(&|name| FOR_PEOPLE.contains(&name)).as_bytes())?;
    Ok(())
}

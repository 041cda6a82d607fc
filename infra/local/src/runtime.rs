//! How the local system is put together, and what those who run it can ask of it.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use cotejo::{
    deployment::Deployment,
    platform::{Entropy as _, Platform, Seams, SystemEntropy},
    providers::ProviderFactories,
};
use cotejo_sandbox::{AucoAccount, LinkAccount, Sandbox, SandboxConfig};
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    data::{DataDir, DataError, read_json, write_private},
    functions::{Deployed, Functions, InvokeError},
    gateway::{self, Routes},
    live::{self, Pumped},
    options::{LocalError, Mode, Options},
    seed::{Accounts, Keys, TENANT, TenantAccess, Tenants},
    servers::{Servers, Stop, serve},
    settings::{Around, FOR_PEOPLE, Overrides, ProviderUrls, Shown},
    stores::{
        Access, StoreError, dynamodb,
        lambda::Started,
        mail::{Mail, Mailbox, Sms},
        s3, secrets,
    },
    stream::{Mapping, Poller, Positions, Trimmer},
    template::{DEPLOYED, Place, Template},
};

/// The running system. Dropping it stops everything where it stands, as a kill would.
pub struct Local {
    inner: Arc<Inner>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    url: String,
    api_key: String,
    webhook_url: String,
    env: BTreeMap<String, String>,
}

/// What the tasks of a running system share.
pub(crate) struct Inner {
    pub(crate) template: Template,
    pub(crate) mode: Mode,
    pub(crate) has_functions: bool,
    pub(crate) functions: Running,
    pub(crate) pollers: Vec<Poller>,
    /// `None` where somebody else keeps the stream.
    pub(crate) trimmer: Option<Trimmer>,
    pub(crate) started: Started,
    pub(crate) sandbox: Sandbox,
    pub(crate) database: Option<dynamodb::Embedded>,
    pub(crate) bucket_store: Option<s3::Embedded>,
    pub(crate) access: Access,
    pub(crate) seams: Seams,
    factories: ProviderFactories,
    tenants: Tenants,
    keys: Keys,
    secrets_url: String,
    mail_url: String,
    lambda_url: String,
    mailbox: Mailbox,
    provider_urls: ProviderUrls,
    api_url: String,
    sandbox_url: String,
    platform: Platform,
    data: DataDir,
}

/// The functions that run now. New ones replace them when their secret changes, as a deployment would.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<RwLock<Functions>>);

impl Running {
    pub(crate) fn get(&self, name: &str) -> Result<Deployed, InvokeError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A function by what it is called where it is deployed.
    pub(crate) fn deployed(&self, name: &str) -> Result<Deployed, InvokeError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).deployed(name).cloned()
    }

    fn replace(&self, functions: Functions) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = functions;
    }
}

impl Local {
    /// Starts everything, and returns once it answers.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        let Options { port, seams, factories, mode, .. } = options;
        let overrides = Overrides::new(options.overrides);
        let data = open_data(options.data.as_deref(), options.fresh).await?;
        let servers = Servers::bind(port, options.functions).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => LocalError::PortInUse(port),
            _ => LocalError::Io(error),
        })?;
        overrides.refuse_own(&servers)?;
        let access = overrides.access(&servers);
        let template = Template::read(DEPLOYED, &overrides.place(&access))?;
        let (stop_all, stop) = Stop::new();
        let mut tasks = JoinSet::new();

        // The stores.
        let Servers {
            api,
            api_url,
            sandbox: sandbox_port,
            dynamodb: dynamodb_port,
            s3: s3_port,
            secrets: secrets_port,
            mail: mail_port,
            lambda: lambda_port,
        } = servers;
        let mut database = None;
        if overrides.get("AWS_ENDPOINT_URL_DYNAMODB").is_none() {
            let file = (!data.is_temporary()).then(|| data.file("dynamodb.db"));
            let embedded = dynamodb::Embedded::open(file.as_deref(), Arc::clone(&seams.clock))?;
            let server = embedded.serve(dynamodb_port.into_listener(), stop.wait());
            tasks.spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(error, "DynamoDB ended");
                }
            });
            database = Some(embedded);
        }
        let mut bucket_store = None;
        if overrides.get("AWS_ENDPOINT_URL_S3").is_none() {
            let (id, secret) = (&access.access_key_id, &access.secret_access_key);
            let embedded = s3::Embedded::open(data.file("s3"), id, secret, Arc::clone(&seams.clock))?;
            serve(&mut tasks, s3_port, embedded.router(), &stop);
            bucket_store = Some(embedded);
        }
        let mut streams = HashMap::new();
        // Another server's clock is not a test's: it must not end what is not over yet.
        let ends_by_itself = database.is_some() || mode == Mode::Live;
        for table in &template.tables {
            let stream = dynamodb::ensure_table(&access.dynamodb(), table, ends_by_itself).await;
            let stream = stream.map_err(|error| overrides.named("AWS_ENDPOINT_URL_DYNAMODB", error))?;
            streams.extend(stream.map(|arn| (table.stream_arn(), arn)));
        }
        if let Some(database) = &database {
            database.index_ends(&template.tables).await?;
        }
        for bucket in &template.buckets {
            let bucket = s3::ensure_bucket(&access.s3(), &bucket.name).await;
            bucket.map_err(|error| overrides.named("AWS_ENDPOINT_URL_S3", error))?;
        }

        // The secret, the sandbox, and how the functions reach both.
        let secrets_url = secrets_port.url();
        let mail_url = mail_port.url();
        let mailbox = Mailbox::default();
        serve(&mut tasks, mail_port, mailbox.router(), &stop);
        let running = Running::default();
        let started = Started::of(running.clone());
        // cargo-lambda has Lambda's API at its own address.
        let lambda_url = lambda_port.as_ref().map_or_else(|| api_url.clone(), |port| port.url());
        if let Some(port) = lambda_port {
            serve(&mut tasks, port, started.router(), &stop);
        }
        let sandbox_url = sandbox_port.url();
        let provider_urls = ProviderUrls::choose(&overrides, &sandbox_url);
        let around = Around {
            access: &access,
            secrets_url: secrets_url.clone(),
            mail_url: mail_url.clone(),
            lambda_url: lambda_url.clone(),
            provider_urls: provider_urls.clone(),
            api_url: api_url.clone(),
        };
        let first = template.functions.first().ok_or_else(|| LocalError::Seed("there are no functions".to_owned()))?;
        let config = |function: &crate::template::Function| {
            let name = &function.crate_name;
            around.config(function).map_err(|source| LocalError::Config { function: name.clone(), source })
        };
        let keys_name = config(first)?.secret_id;
        let secrets = secrets::Secrets::open(data.file("secrets.json"), &keys_name, &*seams.entropy)?;
        serve(&mut tasks, secrets_port, secrets.router(), &stop);
        let accounts = Accounts { keys_name, secrets };
        let keys = Keys::choose(&overrides, &accounts, &seams, &mail_url)?;
        let clock = Arc::clone(&seams.clock);
        let sandbox = Sandbox::open(SandboxConfig {
            base_url: sandbox_url.clone(),
            state_file: (!data.is_temporary()).then(|| data.file("sandbox.jsonl")),
            now: Arc::new(move || clock.now()),
            seed: sandbox_seed(options.sandbox_seed, &data)?,
            times: options.sandbox_times,
            auco: AucoAccount {
                public_key: keys.auco_public.clone(),
                private_key: keys.auco_private.clone(),
                webhooks: Vec::new(),
            },
            link: LinkAccount {
                user: keys.link_user.clone(),
                password: keys.link_password.clone(),
                refuse_with_401: false,
            },
            tecalis_api_key: keys.tecalis.clone(),
        })?;
        serve(&mut tasks, sandbox_port, sandbox.router(), &stop);

        // The first tenant, with a platform of our own: the functions' seams belong to who counts their calls.
        let own_seams = Seams { aws_http: Some(access.http.clone()), ..seams.clone() };
        let platform = Platform::new(config(first)?, own_seams);
        let tenants = Tenants::open(data.file("local.json"), accounts, seams.clone(), api_url.clone())?;
        let api_key = tenants.ensure(TENANT, &keys, &platform).await?;
        for name in tenants.names() {
            tenants.ensure(&name, &keys, &platform).await?;
        }
        sandbox.set_auco_webhooks(tenants.webhooks()?);
        let webhook_url = tenants.webhook_url(TENANT)?;
        let mut triggers = template.functions.iter().flat_map(|function| &function.streams);
        let failed_records = triggers.find_map(|trigger| trigger.retry.on_failure_bucket.as_deref());
        let env = around.env(&Shown {
            url: &api_url,
            api_key: &api_key,
            webhook_url: &webhook_url,
            sandbox_url: &sandbox_url,
            data: data.path(),
            function: &config(first)?,
            failed_records,
        });

        // The functions, and what calls them.
        let mut pollers = Vec::new();
        let mut trimmer = None;
        if options.functions {
            let positions = Arc::new(Positions::open(data.file("stream.json"))?);
            for (mapping, stream) in mappings(&template, &streams, &running, &access, &seams, mode, !ends_by_itself) {
                let positions = Arc::clone(&positions);
                pollers.push(Poller::new(access.streams(), &stream, &access.region, mapping, positions));
            }
            trimmer = database.clone().map(|database| Trimmer::new(database, positions, &pollers));
        }
        let has_functions = options.functions;
        let inner = Inner {
            template,
            mode,
            has_functions,
            functions: running,
            pollers,
            trimmer,
            started,
            sandbox,
            database,
            bucket_store,
            seams,
            factories,
            tenants,
            keys,
            secrets_url,
            mail_url,
            lambda_url,
            mailbox,
            provider_urls,
            api_url: api_url.clone(),
            sandbox_url,
            platform,
            data,
            access,
        };
        inner.restart_functions()?;
        let inner = Arc::new(inner);
        if let Some(api) = api {
            let running = inner.functions.clone();
            let find: gateway::Find = Arc::new(move |name| running.get(name));
            let routes = Routes::new(&inner.template.functions);
            serve(&mut tasks, api, gateway::router(routes, find, inner.seams.clone()), &stop);
        }
        match mode {
            Mode::Live => live::spawn(&mut tasks, &inner, &stop),
            Mode::Pumped => {}
        }
        if has_functions && mode == Mode::Live {
            wait_for_answer(&api_url).await?;
        }
        let lines = |wanted: &dyn Fn(&str) -> bool| -> String {
            let lines = env.iter().filter(|(name, _)| wanted(name));
            lines.map(|(name, value)| format!("{name}={value}\n")).collect()
        };
        // The one that says that all is up comes last.
        write_private(&inner.data.file("functions.env"), lines(&|_| true).as_bytes())?;
        write_private(&inner.data.file("env"), lines(&|name| FOR_PEOPLE.contains(&name)).as_bytes())?;
        Ok(Self { inner, tasks, stop: stop_all, url: api_url, api_key, webhook_url, env })
    }

    /// Base URL of the API, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API key of the tenant `local`.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Base URL of the providers' stand-ins, without a slash at the end.
    #[must_use]
    pub fn sandbox_url(&self) -> &str {
        &self.inner.sandbox_url
    }

    /// Where Auco sends the webhooks of the tenant `local`.
    #[must_use]
    pub fn auco_webhook_url(&self) -> &str {
        &self.webhook_url
    }

    /// What the file `env` in the data directory holds.
    #[must_use]
    pub fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &std::path::Path {
        self.inner.data.path()
    }

    /// The providers' stand-ins.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// What was sent by e-mail.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.inner.mailbox.mails()
    }

    /// What was sent to phones.
    #[must_use]
    pub fn sms(&self) -> Vec<Sms> {
        self.inner.mailbox.sms()
    }

    /// The key that opens queries at Auco.
    #[must_use]
    pub fn auco_public_key(&self) -> &str {
        &self.inner.keys.auco_public
    }

    /// The key that opens authorizations at Tecalis.
    #[must_use]
    pub fn tecalis_api_key(&self) -> &str {
        &self.inner.keys.tecalis
    }

    /// Whether the functions find the sandbox at `provider`'s base URL, one of [`Self::env`]; otherwise a server of the
    /// environment.
    #[must_use]
    pub fn is_own_sandbox(&self, provider_url: &str) -> bool {
        // A port that begins like the sandbox's is another one.
        provider_url.strip_prefix(&self.inner.sandbox_url).is_some_and(|path| path.is_empty() || path.starts_with('/'))
    }

    /// The platform that a function runs with at present; [`Self::add_tenant`] gives functions a new one.
    ///
    /// # Errors
    /// There is no such function.
    pub fn platform(&self, function: &str) -> Result<Platform, LocalError> {
        Ok(self.inner.functions.get(function)?.deployment.platform)
    }

    /// A function as it runs at present, for whoever calls it later.
    ///
    /// # Errors
    /// There is no such function.
    pub fn function(&self, name: &str) -> Result<Deployed, LocalError> {
        Ok(self.inner.functions.get(name)?)
    }

    /// Calls a function with an event. Dropping the future stops it where it stands, as a crash would.
    ///
    /// # Errors
    /// There is no such function, or it failed.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, LocalError> {
        Ok(self.inner.functions.get(function)?.invoke(event).await?)
    }

    /// Sandbox and stream, in turns, until neither has anything left to do at the present time.
    pub async fn pump(&self) -> Pumped {
        live::pump(&self.inner).await
    }

    /// Deletes what is past its end, fires every schedule once, then pumps.
    pub async fn run_schedules(&self) -> Pumped {
        self.inner.sweep().await;
        live::fire_all(&self.inner).await;
        self.pump().await
    }

    /// A further tenant, with an account and a webhook of its own at the sandbox's Auco. The functions start anew,
    /// since they remember their secret for minutes.
    ///
    /// # Errors
    /// The name is no tenant id, or a store or file refuses.
    pub async fn add_tenant(&self, tenant: &str) -> Result<TenantAccess, LocalError> {
        let inner = &self.inner;
        let api_key = inner.tenants.ensure(tenant, &inner.keys, &inner.platform).await?;
        inner.sandbox.set_auco_webhooks(inner.tenants.webhooks()?);
        inner.restart_functions()?;
        Ok(TenantAccess { api_key, auco_webhook_url: inner.tenants.webhook_url(tenant)? })
    }

    /// Makes or replaces an account of `tenant` at the company called `provider`. The functions start anew.
    ///
    /// # Errors
    /// It is no tenant id, or a file refuses.
    pub fn set_account(&self, tenant: &str, provider: &str, account: Value) -> Result<(), LocalError> {
        self.inner.tenants.set_account(tenant, provider, account)?;
        self.inner.restart_functions()
    }

    /// Has what ended of `tenant` redacted after so many days. The functions start anew.
    ///
    /// # Errors
    /// The table or a file refuses.
    pub async fn retain(&self, tenant: &str, days: u32) -> Result<(), LocalError> {
        self.inner.tenants.retain(tenant, days, &self.inner.platform).await?;
        self.inner.restart_functions()
    }

    /// Stops everything: requests under way are finished, within some seconds.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(5), all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

impl Inner {
    /// The cold start of all functions.
    fn restart_functions(&self) -> Result<(), LocalError> {
        let around = Around {
            access: &self.access,
            secrets_url: self.secrets_url.clone(),
            mail_url: self.mail_url.clone(),
            lambda_url: self.lambda_url.clone(),
            provider_urls: self.provider_urls.clone(),
            api_url: self.api_url.clone(),
        };
        let mut functions = Functions::default();
        for function in self.template.functions.iter().filter(|_| self.has_functions) {
            let name = &function.crate_name;
            let config = around.config(function);
            let config = config.map_err(|source| LocalError::Config { function: name.clone(), source })?;
            // One pool of connections for all, as long as nobody brings a transport.
            let http = self.seams.aws_http.clone().or_else(|| Some(self.access.http.clone()));
            let seams = Seams { aws_http: http, ..self.seams.clone() };
            functions.add(function, Deployment::new(config, seams, self.factories))?;
        }
        self.functions.replace(functions);
        Ok(())
    }
}

/// The data directory; who was just stopped gets a moment to let go of it.
async fn open_data(path: Option<&std::path::Path>, fresh: bool) -> Result<DataDir, LocalError> {
    for _ in 0..20 {
        match DataDir::open(path, fresh) {
            Err(DataError::InUse(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            opened => return Ok(opened?),
        }
    }
    Ok(DataDir::open(path, fresh)?)
}

/// Returns once the API answers.
async fn wait_for_answer(url: &str) -> Result<(), LocalError> {
    let failed = |error: reqwest::Error| LocalError::Io(io::Error::other(format!("{url}/health: {error}")));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().map_err(failed)?;
    let answer = client.get(format!("{url}/health")).send().await.map_err(failed)?;
    answer.error_for_status().map(|_| ()).map_err(failed)
}

/// The seed that is given, or that of the last run, or a new one.
fn sandbox_seed(given: u64, data: &DataDir) -> io::Result<u64> {
    if given != 0 {
        return Ok(given);
    }
    let file = data.file("sandbox-seed.json");
    if let Some(seed) = read_json(&file)? {
        return Ok(seed);
    }
    let mut seed = [0; 8];
    SystemEntropy.fill(&mut seed);
    let seed = u64::from_le_bytes(seed);
    write_private(&file, seed.to_string().as_bytes())?;
    Ok(seed)
}

/// Every stream trigger as a mapping, with the ARN that the store gave its stream.
fn mappings(
    template: &Template,
    streams: &HashMap<String, String>,
    running: &Running,
    access: &Access,
    seams: &Seams,
    mode: Mode,
    own_time: bool,
) -> Vec<(Mapping, String)> {
    let bucket = access.s3();
    let of = |function: &crate::template::Function, trigger: &crate::template::StreamTrigger| {
        let (running, name, bucket) = (running.clone(), function.crate_name.clone(), bucket.clone());
        let mapping = Mapping {
            trigger: trigger.clone(),
            own_time,
            function_arn: format!("arn:aws:lambda:{}:{}:function:{name}", access.region, Place::ACCOUNT),
            invoke: Arc::new(move |event| {
                let function = running.get(&name);
                Box::pin(async move { function?.invoke(event).await })
            }),
            keep: Arc::new(move |to, key, content| {
                let put = bucket.put_object().bucket(to).key(key).content_type("application/json");
                let put = put.body(aws_sdk_s3::primitives::ByteStream::from(content)).send();
                Box::pin(
                    async move { put.await.map(|_| ()).map_err(|error| StoreError::call("put", &error).to_string()) },
                )
            }),
            seams: seams.clone(),
            first_wait: if mode == Mode::Live { Duration::from_millis(200) } else { Duration::ZERO },
        };
        streams.get(&trigger.stream).map(|arn| (mapping, arn.clone()))
    };
    let functions = template.functions.iter();
    functions.flat_map(|function| function.streams.iter().filter_map(move |trigger| of(function, trigger))).collect()
}

#[cfg(test)]
mod tests;

//! The whole system, with a clock that the test controls.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_smithy_runtime_api::shared::IntoShared as _;
use cotejo::{
    platform::{Clock as _, Entropy, Seams, SystemEntropy, secrets::Account},
    providers::{PROVIDERS, ProviderFactories},
};
use cotejo_local::{Local, Mode, Options};
use cotejo_sandbox::Times;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{Answer, Customer, Proxy, Receiver, SeededEntropy, SteppedClock, Transport, Trouble, seams::second_store};

/// The time at which every test starts.
#[must_use]
pub fn start_of_time() -> Timestamp {
    "2026-11-02T09:00:00Z".parse().unwrap()
}

/// How far the table's indexes are behind it, where they are: more than DynamoDB's are but for seconds of a bad day.
pub const INDEX_LAG: SignedDuration = SignedDuration::from_secs(5);

/// How far they are behind in this run, unless `COTEJO_TEST_INDEX_LAG` says another number of seconds.
fn index_lag() -> SignedDuration {
    let seconds = std::env::var("COTEJO_TEST_INDEX_LAG").ok().map(|seconds| seconds.parse().unwrap());
    seconds.map_or(INDEX_LAG, SignedDuration::from_secs)
}

/// A local system in which nothing runs by itself.
pub struct World {
    pub local: Local,
    /// The system's clock.
    pub clock: Arc<SteppedClock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) factories: ProviderFactories,
    /// The functions' transport to the stores.
    pub aws: Transport,
    /// The tenant of the local system.
    pub customer: Customer,
    /// The proxy between the functions and the providers, in a watched world.
    proxy: Option<Proxy>,
}

impl World {
    /// A system with everything in memory or temporary files.
    pub async fn new() -> Self {
        Self::with(None, HashMap::new()).await
    }

    /// A system without the run's injected refusals ([`crate::Trouble`]), for tests that count each call.
    pub async fn calm() -> Self {
        let world = Self::new().await;
        world.aws.wire().set_trouble(None);
        world
    }

    /// A system over a data directory, or with settings as from the environment.
    pub async fn with(data: Option<PathBuf>, overrides: HashMap<String, String>) -> Self {
        Self::at(start_of_time(), data, overrides).await
    }

    /// A system that starts at another time.
    pub async fn at(start: Timestamp, data: Option<PathBuf>, overrides: HashMap<String, String>) -> Self {
        Self::made_of(PROVIDERS, start, data, overrides).await
    }

    /// A system with other provider factories.
    pub async fn knowing(factories: ProviderFactories) -> Self {
        Self::made_of(factories, start_of_time(), None, HashMap::new()).await
    }

    /// A system in which calls to the providers are also on the wire: noted and disturbed like calls to the stores.
    pub async fn watched() -> Self {
        let aws = Transport::new();
        let proxy = Proxy::start(aws.wire().clone()).await;
        let mut world = Self::over(aws, PROVIDERS, start_of_time(), None, proxy.overrides()).await;
        proxy.lead_to(world.local.sandbox_url());
        world.proxy = Some(proxy);
        world
    }

    /// The address of `receiver` through the proxy, in a watched world.
    #[must_use]
    pub fn watch_hooks(&self, receiver: &Receiver) -> String {
        self.proxy.as_ref().unwrap().lead_hooks_to(receiver.url())
    }

    async fn made_of(
        factories: ProviderFactories,
        start: Timestamp,
        data: Option<PathBuf>,
        overrides: HashMap<String, String>,
    ) -> Self {
        Self::over(Transport::new(), factories, start, data, overrides).await
    }

    async fn over(
        aws: Transport,
        factories: ProviderFactories,
        start: Timestamp,
        data: Option<PathBuf>,
        overrides: HashMap<String, String>,
    ) -> Self {
        aws.wire().set_trouble(Trouble::of_environment());
        let clock = Arc::new(SteppedClock::at(start));
        aws.lag(&clock, index_lag());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(start.as_millisecond()));
        let seams =
            Seams { clock: clock.clone(), entropy: Arc::clone(&entropy), aws_http: Some(aws.clone().into_shared()) };
        let overrides = with_table(data.as_deref(), overrides);
        let local = Local::start(Options {
            port: 0,
            data,
            fresh: false,
            seams,
            factories,
            sandbox_times: Times::default(),
            sandbox_seed: 1,
            mode: Mode::Pumped,
            functions: true,
            overrides,
        });
        let local = local.await.unwrap();
        let customer = Customer::new(local.url(), local.api_key());
        Self { local, clock, entropy, factories, aws, customer, proxy: None }
    }

    /// The account of the tenant `local` at a provider.
    pub async fn account(&self, provider: &str) -> Arc<Account> {
        let secrets = self.local.platform("run-work").unwrap().secrets;
        secrets.account(&"local".parse().unwrap(), provider).await.unwrap().unwrap()
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes the table's indexes lag by `time` from now on, whatever the run's environment says.
    pub fn lag_indexes(&self, time: SignedDuration) {
        self.aws.lag(&self.clock, time);
    }

    /// What is at `path` once the table's indexes show all that was written, without letting time pass.
    pub async fn look(&self, path: &str) -> Answer {
        self.aws.wire().aside(self.customer.get(path)).await
    }

    /// Lets so much time pass that the table's indexes show all that was written.
    pub fn catch_up(&self) {
        self.clock.advance(INDEX_LAG);
    }

    /// Moves the clock by `time` in one step, then runs what is due.
    pub async fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
        self.local.pump().await;
        self.local.run_schedules().await;
    }

    /// Moves the clock by `time` in steps of two hours, and runs what is due after each.
    pub async fn pass_slowly(&self, time: SignedDuration) {
        let end = self.now() + time;
        while self.now() < end {
            self.pass(SignedDuration::from_hours(2)).await;
        }
    }

    /// Lets time pass until `id` has ended and its evidence and certificate are settled, for at most `hours`: by minutes at first, then by
    /// ever longer steps.
    pub async fn finish(&self, id: &str, hours: i64) -> Value {
        let start = self.now();
        loop {
            let process = self.customer.process(id).await;
            let passed = self.now().duration_since(start);
            if is_settled(&process) || passed >= SignedDuration::from_hours(hours) {
                return process;
            }
            self.pass(SignedDuration::from_mins((passed.as_mins() / 6).max(1))).await;
        }
    }

    /// Creates a process with `script` and runs it to its end.
    pub async fn run(&self, script: &str) -> Value {
        let created = self.customer.create(&crate::order(script)).await;
        self.finish(&created.id(), 24).await
    }

    /// As [`Self::run`], approved, for a document with that number.
    pub async fn verify_number(&self, number: &str) -> Value {
        let mut order = crate::order("approved");
        order["document"]["number"] = number.into();
        let created = self.customer.create(&order).await;
        self.finish(&created.id(), 24).await
    }

    /// Checks that every picture of a process is kept as the sandbox has it, and says how many there are.
    pub async fn check_pictures(&self, process: &Value) -> usize {
        let code = process["provider_reference"].as_str().unwrap();
        let mut pictures = 0;
        for piece in process["evidence"].as_array().unwrap() {
            let name = match piece["kind"].as_str().unwrap() {
                "document_front" => "identificationCardFront",
                "document_back" => "identificationCardBack",
                "selfie" => "photo",
                _ => continue,
            };
            assert_eq!(piece["state"], "stored", "{piece}");
            let attempt = usize::try_from(piece["attempt"].as_u64().unwrap()).unwrap() - 1;
            let original = self.local.sandbox().picture(code, attempt, name).unwrap();
            let id = (process["id"].as_str().unwrap(), piece["id"].as_str().unwrap());
            let link = self.customer.get(&format!("/processes/{}/evidence/{}", id.0, id.1)).await;
            let (status, bytes) = self.customer.open(link.result()["url"].as_str().unwrap()).await;
            assert_eq!(status, 200);
            assert!(bytes == original, "the copy differs from the original");
            assert_eq!(piece["bytes"], original.len());
            pictures += 1;
        }
        pictures
    }
}

/// Has a world keep its table in the DynamoDB that `COTEJO_TEST_DYNAMODB` names, if it names one: a table for each world, or
/// for all that share a data directory.
fn with_table(data: Option<&Path>, mut overrides: HashMap<String, String>) -> HashMap<String, String> {
    let Some(url) = second_store() else { return overrides };
    let world = match data {
        Some(data) => {
            let mut hasher = DefaultHasher::new();
            data.hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        }
        None => SystemEntropy.uuid().simple().to_string(),
    };
    overrides.entry("AWS_ENDPOINT_URL_DYNAMODB".to_owned()).or_insert(url);
    overrides.entry("COTEJO_STACK".to_owned()).or_insert(format!("test-{}", &world[..16]));
    // Worlds draw the same ids, and DynamoDB knows a transaction by its token alone: each is an account of its own.
    overrides.entry("AWS_ACCESS_KEY_ID".to_owned()).or_insert(world[..16].to_owned());
    overrides.entry("AWS_SECRET_ACCESS_KEY".to_owned()).or_insert("secret".to_owned());
    overrides
}

fn is_settled(process: &Value) -> bool {
    let ended = !matches!(process["status"].as_str().unwrap(), "submitting" | "in_progress" | "in_review");
    ended && process["evidence_state"] != "pending" && process["certificate"]["state"] != "pending"
}

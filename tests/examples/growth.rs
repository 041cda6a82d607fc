//! How the local system's times grow with what is stored: `cargo run -p cotejo-tests --example growth -- 100 10000 100000`.
//!
//! For each size it fills a new data directory. Then each operation is carried out on all of them in turn, and the median of each
//! size is printed with its ratio to the first's, so that whatever else the machine does weighs on all alike. At the end the CPU
//! time of each idle system. Processes and persons are copies of real ones; the sandbox's journal grows as well.
//! `growth import 100000` imports so many rows to the end.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers")]

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use clap::Parser as _;
use cotejo::{
    platform::{Entropy as _, Seams, SystemEntropy},
    providers::PROVIDERS,
};
use cotejo_admin::{Admin, cli::Arguments};
use cotejo_local::{Local, Mode, Options};
use cotejo_sandbox::Times;
use cotejo_tests::{Answer, Customer, order};
use dynoxide::{Database, ImportOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How often an operation is carried out.
const TIMES: usize = 60;

/// How often so many rows are imported.
const IMPORTS: usize = 5;
const IMPORTED: usize = 100;

/// Processes that are really played, and then copied.
const ORIGINALS: usize = 5;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, rows] = &words[..]
        && word == "import"
    {
        return import_all(rows.parse().unwrap()).await;
    }
    let mut systems = Vec::new();
    for size in words.iter().map(|size| size.parse().unwrap()) {
        let data = tempfile::tempdir().unwrap();
        let local = start(data.path()).await;
        let (originals, table) = (originals(&local).await, local.env()["TABLE"].clone());
        local.shutdown().await;
        fill(data.path(), &table, &originals, size);
        fill_sandbox(&data.path().join("sandbox.jsonl"), size);
        let begin = Instant::now();
        let local = start(data.path()).await;
        println!("{size:>7}  {:20} {:8.2} ms", "start", millis(begin.elapsed()));
        systems.push(System::of(size, local, data).await);
    }
    // What a start leaves to do is done first.
    tokio::time::sleep(Duration::from_secs(20)).await;
    measure(&systems).await;
    let mut stopped = Vec::new();
    for system in systems {
        system.local.shutdown().await;
        stopped.push((system.size, system.data));
    }
    for (size, data) in stopped {
        let local = start(data.path()).await;
        idle(size).await;
        local.shutdown().await;
    }
}

/// A local system with so many processes and persons.
struct System {
    size: usize,
    local: Local,
    data: TempDir,
    customer: Customer,
    processes: Vec<String>,
    people: Vec<String>,
}

impl System {
    async fn of(size: usize, local: Local, data: TempDir) -> Self {
        let customer = customer(&local);
        let processes = ids(&customer.get("/processes?per_page=100").await);
        let people = ids(&customer.get("/people?per_page=100").await);
        Self { size, local, data, customer, processes, people }
    }

    fn process(&self, at: usize) -> &str {
        &self.processes[at * 37 % self.processes.len()]
    }

    fn person(&self, at: usize) -> &str {
        &self.people[at * 37 % self.people.len()]
    }

    /// The reference of one of the processes that are open.
    async fn open_reference(&self, at: usize) -> String {
        let open = ids(&self.customer.get("/processes?status=in_progress&per_page=100").await);
        let process = self.customer.process(&open[at % open.len()]).await;
        process["provider_reference"].as_str().unwrap().to_owned()
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let data = answer.result()["data"].as_array().unwrap();
    data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn start(data: &Path) -> Local {
    let local = Local::start(Options {
        port: 0,
        data: Some(data.to_owned()),
        fresh: false,
        seams: Seams::real(),
        factories: PROVIDERS,
        sandbox_times: Times::default().scaled(0.02),
        sandbox_seed: 0,
        mode: Mode::Live,
        functions: true,
        overrides: HashMap::new(),
    });
    let local = local.await.unwrap();
    let words = ["cargo admin", "tenant", "set", "local", "--per-minute", "1000000"];
    let admin =
        Admin::new(&local.env().clone().into_iter().collect::<HashMap<_, _>>().into(), Seams::real(), PROVIDERS)
            .unwrap();
    admin.run(&Arguments::try_parse_from(words).unwrap().command, &mut std::io::empty()).await.unwrap();
    local
}

fn customer(local: &Local) -> Customer {
    Customer::new(local.url(), local.api_key())
}

/// Plays some processes to their end and imports some persons. Gives what to copy of each: its id, and a process's reference.
async fn originals(local: &Local) -> Vec<[String; 2]> {
    let customer = customer(local);
    let mut names = Vec::new();
    for _ in 0..ORIGINALS {
        let id = customer.create(&order("approved")).await.id();
        let process = loop {
            let process = customer.process(&id).await;
            if process["status"] == "approved" && process["evidence_state"] == "complete" {
                break process;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        names.push([id, process["provider_reference"].as_str().unwrap().to_owned()]);
    }
    import(local, ORIGINALS, 0).await;
    let people = customer.get("/people").await;
    for person in people.result()["data"].as_array().unwrap() {
        names.push([person["id"].as_str().unwrap().to_owned(), "no reference".to_owned()]);
    }
    assert_eq!(names.len(), 2 * ORIGINALS);
    names
}

/// Copies all that is stored about the originals under new ids, while nobody uses the database.
fn fill(data: &Path, table: &str, originals: &[[String; 2]], size: usize) {
    let database = Database::new(&data.join("dynamodb.db").to_string_lossy()).unwrap();
    let scan = json!({"TableName": table});
    let all: Value = serde_json::to_value(database.scan(serde_json::from_value(scan).unwrap()).unwrap()).unwrap();
    assert_eq!(all["LastEvaluatedKey"], Value::Null, "more than one page");
    let about = |names: &[String; 2]| -> Vec<String> {
        let items = all["Items"].as_array().unwrap().iter();
        let of = items.filter(|item| names.iter().any(|name| item["pk"]["S"].as_str().unwrap().contains(name)));
        of.map(Value::to_string).collect()
    };
    let items: Vec<_> = originals.iter().map(|names| (names, about(names))).collect();
    let mut copies = Vec::new();
    for number in ORIGINALS..size {
        for kind in items.chunks(ORIGINALS) {
            let (names, items) = &kind[number % ORIGINALS];
            let new = [SystemEntropy.uuid().to_string(), format!("COPY{number:08}")];
            let renamed = |item: &String| item.replace(&names[0], &new[0]).replace(&names[1], &new[1]);
            copies.extend(items.iter().map(|item| serde_json::from_str(&renamed(item)).unwrap()));
        }
        if copies.len() > 2000 || number + 1 == size {
            database.import_items(table, std::mem::take(&mut copies), ImportOptions::default()).unwrap();
        }
    }
}

/// Copies a process of the sandbox's as often.
fn fill_sandbox(journal: &Path, size: usize) {
    let mut text = std::fs::read_to_string(journal).unwrap();
    let line = text.lines().last().unwrap().to_owned();
    let value: Value = serde_json::from_str(&line).unwrap();
    let code = value["Auco"]["code"].as_str().unwrap();
    for number in ORIGINALS..size {
        text.push_str(&line.replace(code, &format!("COPY{number:08}")));
        text.push('\n');
    }
    std::fs::write(journal, text).unwrap();
}

/// One import of so many rows into a new system.
async fn import_all(rows: usize) {
    let data = tempfile::tempdir().unwrap();
    let local = start(data.path()).await;
    let took = import(&local, rows, 0).await;
    println!("{rows:>7}  {:20} {:8.2} ms {:8.2} s", "import, a row", millis(took) / rows as f64, took.as_secs_f64());
    local.shutdown().await;
}

/// Imports so many persons, the first of whom has that number, and waits for the end. Gives the time.
async fn import(local: &Local, rows: usize, first: usize) -> Duration {
    let customer = customer(local);
    let mut file = "national_id,name,first_lastname,second_lastname\n".to_owned();
    for number in first..first + rows {
        file.push_str(&format!("{},Juan,Perez,Suares\n", curp(number)));
    }
    let place = customer.post("/uploads", &json!({"content_type": "text/csv", "bytes": file.len()})).await;
    assert_eq!(customer.upload(place.result(), file.into()).await, 200);
    let start = Instant::now();
    let asked = customer.post_form("/people/import", &[("tmp_file_id", place.id())]).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let path = asked.headers["location"].to_str().unwrap();
    loop {
        let job = customer.get(path).await.result().clone();
        match job["state"].as_str().unwrap() {
            "done" => {
                assert_eq!((&job["created"], &job["failed"]), (&json!(rows), &json!(0)), "{job}");
                return start.elapsed();
            }
            "failed" => panic!("{job}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The CURP of the person with a number.
fn curp(number: usize) -> String {
    const SIGNS: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
    const CONSONANTS: &[u8] = b"BCDFGHJKLMNPQRSTVWXYZ";
    let letter = |place: u32| char::from(CONSONANTS[number / CONSONANTS.len().pow(place) % CONSONANTS.len()]);
    let day = number / CONSONANTS.len().pow(3);
    let curp = format!(
        "PESJ{:02}{:02}{:02}HDF{}{}{}0",
        50 + day / 336,
        day / 28 % 12 + 1,
        day % 28 + 1,
        letter(0),
        letter(1),
        letter(2)
    );
    let sum: usize =
        curp.chars().zip((2..=18).rev()).map(|(c, weight)| SIGNS.chars().position(|s| s == c).unwrap() * weight).sum();
    format!("{curp}{}", (10 - sum % 10) % 10)
}

async fn measure(systems: &[System]) {
    compare(systems, "status", async |on, at| on.customer.get(&format!("/processes/{}", on.process(at))).await).await;
    compare(systems, "list", async |on, _| on.customer.get("/processes").await).await;
    compare(systems, "list by status", async |on, _| on.customer.get("/processes?status=approved").await).await;
    compare(systems, "create", async |on, _| on.customer.create(&order("never")).await).await;
    compare_prepared(
        systems,
        "callback",
        async |on, at| on.open_reference(at).await,
        async |on, reference| {
            let webhook = on.local.auco_webhook_url().strip_prefix(on.local.url()).unwrap();
            let body = json!({"code": reference, "type": "veriface", "status": "APPROVED"});
            on.customer.send(Method::POST, webhook, &[], Some(body.to_string())).await
        },
    )
    .await;
    compare(systems, "people get", async |on, at| on.customer.get(&format!("/people/{}", on.person(at))).await).await;
    compare(systems, "people search", async |on, at| {
        on.customer.post("/people/search", &json!({"ids": [on.person(at), on.person(at + 1)]})).await
    })
    .await;
    compare(systems, "people by id number", async |on, at| {
        on.customer.get(&format!("/people/national-id/{}", curp(at % ORIGINALS))).await
    })
    .await;
    compare(systems, "people list", async |on, _| on.customer.get("/people").await).await;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); systems.len()];
    for step in 0..IMPORTS {
        for (system, times) in systems.iter().zip(&mut times) {
            let took = import(&system.local, IMPORTED, ORIGINALS + step * IMPORTED).await;
            times.push(took / u32::try_from(IMPORTED).unwrap());
        }
    }
    print(systems, "import, a row", times);
}

/// Carries an operation out on each system in turn, many times.
async fn compare(systems: &[System], what: &str, operation: impl AsyncFn(&System, usize) -> Answer) {
    compare_prepared(systems, what, async |_, at| at, operation).await;
}

/// The same, where something that is not measured has to be done before.
async fn compare_prepared<T>(
    systems: &[System],
    what: &str,
    prepare: impl AsyncFn(&System, usize) -> T,
    operation: impl AsyncFn(&System, T) -> Answer,
) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); systems.len()];
    for at in 0..TIMES {
        for (system, times) in systems.iter().zip(&mut times) {
            let prepared = prepare(system, at).await;
            let start = Instant::now();
            let answer = operation(system, prepared).await;
            times.push(start.elapsed());
            assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
        }
    }
    print(systems, what, times);
}

fn print(systems: &[System], what: &str, times: Vec<Vec<Duration>>) {
    let medians: Vec<f64> = times
        .into_iter()
        .map(|mut times| {
            times.sort();
            millis(times[times.len() / 2])
        })
        .collect();
    for (system, median) in systems.iter().zip(&medians) {
        println!("{:>7}  {what:20} {median:8.2} ms {:6.2} ×", system.size, median / medians[0]);
    }
}

/// Lets everything come to rest, then measures a while of it, a sweep of expired items included.
async fn idle(size: usize) {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (start, before) = (Instant::now(), cpu());
    tokio::time::sleep(Duration::from_secs(75)).await;
    let share = millis(cpu() - before) / millis(start.elapsed()) * 100.0;
    println!("{size:>7}  {:20} {share:8.2} % of a core", "idle");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The CPU time of this process, in steps of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

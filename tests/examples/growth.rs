//! How the local system's times grow with what is stored: `cargo run -p cotejo-tests --example growth -- 100 10000 100000`.
//!
//! For each size it fills a new data directory, then prints the median and the CPU time of each operation, and the CPU time of the
//! idle system. Processes and persons are copies of real ones; the sandbox's journal grows as well.
//! `growth import 100000` imports so many rows to the end.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers")]

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use clap::Parser as _;
use cotejo::platform::{Entropy as _, Seams, SystemEntropy};
use cotejo_admin::{Admin, cli::Arguments};
use cotejo_local::{Local, Mode, Options};
use cotejo_sandbox::Times;
use cotejo_tests::{Answer, Customer, order};
use dynoxide::{Database, ImportOptions};
use reqwest::Method;
use serde_json::{Value, json};

/// How often an operation is carried out.
const TIMES: usize = 60;

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
        measure(&local, size).await;
        idle(size).await;
        local.shutdown().await;
    }
}

async fn start(data: &Path) -> Local {
    let local = Local::start(Options {
        port: 0,
        data: Some(data.to_owned()),
        fresh: false,
        seams: Seams::real(),
        sandbox_times: Times::default().scaled(0.02),
        sandbox_seed: 0,
        mode: Mode::Live,
        functions: true,
        overrides: HashMap::new(),
    });
    let local = local.await.unwrap();
    let words = ["cargo admin", "tenant", "set", "local", "--per-minute", "1000000"];
    let admin = Admin::new(&local.env().clone().into_iter().collect(), Seams::real()).unwrap();
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

async fn measure(local: &Local, size: usize) {
    let customer = &customer(local);
    let ids = |answer: Answer| -> Vec<String> {
        let data = answer.result()["data"].as_array().unwrap().clone();
        data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let processes = ids(customer.get("/processes?per_page=100").await);
    let people = ids(customer.get("/people?per_page=100").await);
    let any = |ids: &[String], at: usize| ids[at * 37 % ids.len()].clone();
    time(size, "status", async |at| customer.get(&format!("/processes/{}", any(&processes, at))).await).await;
    time(size, "list", async |_| customer.get("/processes").await).await;
    time(size, "list by status", async |_| customer.get("/processes?status=approved").await).await;
    time(size, "create", async |_| customer.create(&order("never")).await).await;
    let open = customer.get("/processes?status=in_progress&per_page=100").await;
    let codes: Vec<String> = ids(open);
    let mut references = Vec::new();
    for id in codes.iter().take(TIMES) {
        references.push(customer.process(id).await["provider_reference"].as_str().unwrap().to_owned());
    }
    let webhook = local.auco_webhook_url().strip_prefix(local.url()).unwrap();
    time(size, "callback", async |at| {
        let body = json!({"code": references[at % references.len()], "type": "veriface", "status": "APPROVED"});
        customer.send(Method::POST, webhook, &[], Some(body.to_string())).await
    })
    .await;
    time(size, "people get", async |at| customer.get(&format!("/people/{}", any(&people, at))).await).await;
    time(size, "people search", async |at| {
        customer.post("/people/search", &json!({"ids": [any(&people, at), any(&people, at + 1)]})).await
    })
    .await;
    time(size, "people by id number", async |at| {
        customer.get(&format!("/people/national-id/{}", curp(at % ORIGINALS))).await
    })
    .await;
    time(size, "people list", async |_| customer.get("/people").await).await;
    let before = cpu();
    let took = import(local, 500, ORIGINALS).await;
    println!(
        "{size:>7}  {:20} {:8.2} ms {:8.2} ms CPU",
        "import, a row",
        millis(took) / 500.0,
        millis(cpu() - before) / 500.0
    );
}

async fn time(size: usize, what: &str, operation: impl AsyncFn(usize) -> Answer) {
    let mut times = Vec::new();
    let before = cpu();
    for at in 0..TIMES {
        let start = Instant::now();
        let answer = operation(at).await;
        times.push(start.elapsed());
        assert!((200..300).contains(&answer.status), "{what}: {answer:?}");
    }
    let cpu = millis(cpu() - before) / TIMES as f64;
    times.sort();
    println!("{size:>7}  {what:20} {:8.2} ms {cpu:8.2} ms CPU", millis(times[TIMES / 2]));
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

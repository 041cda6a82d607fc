//! What the shell says about AWS leads the local system nowhere: it is for stores that the shell names.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// A system in a process of its own, ended with the test.
struct Running {
    process: Child,
    /// Kept open: a system that can say nothing more would end.
    _said: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `cargo local` over `data`, up.
fn start(data: &Path, environment: &[(&str, &str)]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cotejo-local"));
    command.args(["--port", "0", "--data"]).arg(data).env_clear().envs(environment.iter().copied());
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("Cotejo is up at "), "{line}");
    Running { process, _said: said }
}

fn settings(data: &Path, file: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(data.join(file)).unwrap();
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

/// Creates a verification, which asks DynamoDB and Secrets Manager, and uploads a picture, which asks S3. Returns the statuses.
async fn play(data: &Path) -> [u16; 3] {
    let settings = settings(data, "env");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", settings["COTEJO_URL"])).header("idempotency-key", "one");
        request.bearer_auth(&settings["COTEJO_API_KEY"]).json(&body).send()
    };
    let order = json!({
        "provider": "auco",
        "person": {"name": "Ana María Rojas", "phone": "+573001234567", "email": "ana@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1020304050"},
        "options": {"platform": "whatsapp", "email": "creator@example.com"},
    });
    let created = post("/processes", order).await.unwrap();
    let made = post("/uploads", json!({"content_type": "image/jpeg", "bytes": 3})).await.unwrap();
    let status = made.status();
    let upload: Value = made.json::<Value>().await.unwrap()["result"].take();
    let put = client.put(upload["url"].as_str().unwrap()).body("abc");
    let put = upload["headers"].as_object().unwrap().iter().fold(put, |put, (name, value)| {
        if name == "content-length" { put } else { put.header(name, value.as_str().unwrap()) }
    });
    [created.status(), status, put.send().await.unwrap().status()].map(|status| status.as_u16())
}

#[tokio::test]
async fn what_the_shell_says_of_aws_changes_nothing() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let config = folders[1].path().join("aws-config");
    std::fs::write(&config, "[nonsense\n= ?").unwrap();
    let nonsense = [
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_REGION", "nowhere-1"),
        ("AWS_SECRET_ACCESS_KEY", "nothing"),
        ("AWS_SESSION_TOKEN", "nothing"),
    ];
    let mut told = Vec::new();
    for (folder, environment) in folders.iter().zip([&[][..], &nonsense]) {
        let data = folder.path().join("data");
        let running = start(&data, environment);
        assert_eq!(play(&data).await, [201, 201, 200], "{environment:?}");
        let mut settings = settings(&data, "functions.env");
        settings.retain(|name, _| name.starts_with("AWS_") && !name.contains("_URL"));
        told.push(settings);
        drop(running);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["AWS_ACCESS_KEY_ID"], "local");
}

//! On AWS the operator is whom the environment and its files of profiles say; the local system says everything itself.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use cotejo::{platform::Seams, providers::PROVIDERS};
use cotejo_local::{Local, Mode, Options};
use cotejo_sandbox::Times;

/// The stores of the local system, in place of AWS.
async fn stores() -> Local {
    let options = Options {
        port: 0,
        data: None,
        fresh: false,
        seams: Seams::real(),
        factories: PROVIDERS,
        sandbox_times: Times::default(),
        sandbox_seed: 1,
        mode: Mode::Pumped,
        functions: true,
        overrides: HashMap::new(),
    };
    Local::start(options).await.unwrap()
}

/// Profiles that lead to `local`: one with the right key, one with a wrong one, and one whose key a program says.
fn profiles(local: &Local, folder: &Path) -> PathBuf {
    let env = local.env();
    let place = format!("region = {}\nservices = here\n", env["AWS_REGION"]);
    let (id, secret) = (&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"]);
    let said = format!(r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}"#);
    std::fs::write(folder.join("key.json"), said).unwrap();
    let keys = |secret: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let program = format!("credential_process = cat {}\n", folder.join("key.json").display());
    let profile = |name: &str, key: &str| format!("[profile {name}]\n{place}{key}");
    let endpoint = |service: &str| {
        format!(
            "{service} =\n  endpoint_url = {}\n",
            env[&format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase())]
        )
    };
    let services = ["dynamodb", "s3", "secrets_manager"].map(endpoint).concat();
    let text = [
        profile("operator", &keys(secret)),
        profile("stranger", &keys("not-the-key")),
        profile("program", &program),
        format!("[services here]\n{services}"),
    ];
    let file = folder.join("config");
    std::fs::write(&file, text.concat()).unwrap();
    file
}

/// `cargo admin` in an environment that holds nothing else.
async fn admin(words: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cotejo-admin"));
    command.args(words.split(' ')).env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_s_profile_says_region_endpoints_and_credentials() {
    let (local, folder) = (stores().await, tempfile::tempdir().unwrap());
    let file = profiles(&local, folder.path());
    let deployment =
        ["TABLE", "BUCKET", "COTEJO_SECRET", "FAILED_RECORDS_BUCKET"].map(|name| (name, &*local.env()[name]));
    for (profile, is_right) in [("operator", true), ("program", true), ("stranger", false)] {
        let named = [("AWS_CONFIG_FILE", file.to_str().unwrap()), ("AWS_PROFILE", profile)];
        let environment = [&deployment[..], &named[..]].concat();
        // S3 is the local store that looks at signatures.
        let output = admin("dead-letters list", &environment).await;
        assert_eq!(output.status.success(), is_right, "{profile}: {output:?}");
        let tenants = admin("--json tenant list", &environment).await;
        assert!(tenants.status.success(), "{profile}: {tenants:?}");
        assert!(String::from_utf8(tenants.stdout).unwrap().contains("\"local\""), "{profile}");
    }
    let nobody = admin("tenant list", &deployment).await;
    assert_eq!(String::from_utf8(nobody.stderr).unwrap(), "error: setting AWS_REGION is missing\n");
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_environment_leads_away_from_the_local_system() {
    let (local, folder) = (stores().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("config");
    std::fs::write(&config, "[nonsense\n= ?").unwrap();
    let nonsense = [
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_REGION", "nowhere-1"),
        ("AWS_SECRET_ACCESS_KEY", "nothing"),
        ("TABLE", "nobody-s"),
    ];
    for words in ["dead-letters list", "tenant list"] {
        let output = admin(&format!("--local={} {words}", local.data().display()), &nonsense).await;
        assert!(output.status.success(), "{words}: {output:?}");
    }
    local.shutdown().await;
}

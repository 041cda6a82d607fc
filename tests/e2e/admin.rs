//! What operators do by hand, against the same system that customers use.

use cotejo_tests::{Customer, When, World, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// What `cargo admin` says as JSON.
async fn admin(world: &World, words: &[&str]) -> Value {
    given(world, words, "").await
}

/// The same with standard input.
async fn given(world: &World, words: &[&str], input: &str) -> Value {
    world.admin(words, input).await.unwrap_or_else(|error| panic!("{words:?}: {error}")).value().clone()
}

/// Why `cargo admin` does not do it.
async fn refused(world: &World, words: &[&str], input: &str) -> String {
    world.admin(words, input).await.err().unwrap_or_else(|| panic!("{words:?} was carried out")).to_string()
}

/// A key of `tenant` for everything, and who holds it.
async fn key(world: &World, tenant: &str) -> (String, Customer) {
    let made = admin(world, &["key", "create", tenant, "--name", "back end", "--all-scopes"]).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("cotejo_live_") && secret.len() == 60, "{secret}");
    (made["key"]["key_id"].as_str().unwrap().to_owned(), Customer::new(world.local.url(), secret))
}

#[tokio::test]
async fn from_nothing_to_a_verification_of_a_tenant_of_one_s_own() {
    let world = World::new().await;
    let created = admin(&world, &["tenant", "create", "acme-es", "--name", "Acme", "--retention-days", "30"]).await;
    let (key_id, customer) = key(&world, "acme-es").await;
    let order = order("approved");
    let without_account = customer.create(&order).await;
    assert_eq!((without_account.status, without_account.fields()), (422, vec!["provider"]));

    let account = world.secret("local", "auco");
    given(&world, &["provider", "set", "acme-es", "auco"], &account.to_string()).await;
    assert_eq!(admin(&world, &["provider", "list", "acme-es"]).await, json!(["auco"]));
    // That there was no account is remembered for half a minute.
    world.clock.advance(SignedDuration::from_secs(31));
    let id = customer.create(&order).await.id();
    let process = world.admin(&["process", "show", "acme-es", &id], "").await.unwrap();
    assert_eq!(process.value()["status"], "in_progress");

    insta::assert_json_snapshot!(json!({
        "tenant": created,
        "tenants": admin(&world, &["tenant", "list"]).await,
        "keys": admin(&world, &["key", "list", "acme-es"]).await,
    }), { ".keys[].key_id" => "[id]" });
    let listed = world.admin(&["key", "list", "acme-es"], "").await.unwrap().text();
    assert!(listed.starts_with(&format!("{key_id}  active  since 2026-11-02T09:00:00Z  processes:read,")), "{listed}");
}

#[tokio::test]
async fn a_tenant_is_created_once_and_changed_in_what_is_named_only() {
    let world = World::new().await;
    admin(&world, &["tenant", "create", "acme", "--name", "Acme"]).await;
    assert_eq!(
        refused(&world, &["tenant", "create", "acme", "--name", "Other"], "").await,
        "there is already a tenant acme"
    );
    let before = world.tenant("acme").await;
    admin(&world, &["tenant", "set", "acme", "--per-minute", "10", "--retention-days", "5"]).await;
    admin(&world, &["tenant", "set", "acme", "--suspend"]).await;
    let changed = world.tenant("acme").await;
    assert_eq!((changed.per_minute, changed.retention_days, changed.suspended), (10, Some(5), true));
    assert_eq!((&changed.name, changed.since), (&before.name, before.since));
    admin(&world, &["tenant", "set", "acme", "--resume", "--no-retention", "--name", "Acme Inc"]).await;
    let changed = world.tenant("acme").await;
    assert_eq!((changed.name.as_str(), changed.retention_days, changed.suspended), ("Acme Inc", None, false));
    for words in [
        ["tenant", "set", "nobody", "--suspend"].as_slice(),
        &["key", "create", "nobody", "--name", "k", "--all-scopes"],
        &["key", "list", "nobody"],
        &["provider", "list", "nobody"],
    ] {
        assert_eq!(refused(&world, words, "").await, "there is no tenant nobody");
    }
    let long = "x".repeat(201);
    for name in [" ", "two\nlines", &long] {
        let problem = refused(&world, &["tenant", "create", "new", "--name", name], "").await;
        assert_eq!(problem, "--name must have 1 to 200 characters, on one line");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_an_unknown_one_cannot_be_revoked() {
    let world = World::new().await;
    let (key_id, customer) = key(&world, "local").await;
    assert_eq!(customer.get("/processes").await.status, 200);
    admin(&world, &["key", "revoke", "local", &key_id]).await;
    world.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(customer.get("/processes").await.status, 401);
    assert_eq!(refused(&world, &["key", "revoke", "local", "key_x"], "").await, "there is no key key_x of local");
    for past in ["2026-11-02T09:00:00Z", "2026-11-02"] {
        let past = ["key", "create", "local", "--name", "k", "--all-scopes", "--expires-at", past];
        assert_eq!(refused(&world, &past, "").await, "--expires-at must be in the future");
    }
}

#[tokio::test]
async fn an_account_must_have_the_company_s_own_shape() {
    let world = World::new().await;
    let set = |provider: &'static str| ["provider", "set", "local", provider];
    let secret = r#"{"user": "canary", "pasword": "canary"}"#;
    for (provider, input, problem) in [
        ("link", secret, "link is misconfigured for this account: pasword is not a known field"),
        ("link", r#"{"user": "canary"}"#, "link is misconfigured for this account: password is required"),
        (
            "auco",
            r#"{"public_key": 1, "private_key": "canary"}"#,
            "auco is misconfigured for this account: public_key must be a string",
        ),
        (
            "sms",
            r#"{"url": "https://sms.example.com", "headers": {"a": 1}}"#,
            "sms is misconfigured for this account: headers.a must be a string",
        ),
        (
            "tecalis",
            r#"{"api_key": "canary", "url": "canary"}"#,
            "tecalis is misconfigured for this account: its url is not a URL such as https://example.com/hook",
        ),
        ("nobody", "{}", "nobody is not a supported provider"),
        ("link", "[]", "standard input is not a JSON object"),
    ] {
        assert_eq!(refused(&world, &set(provider), input).await, problem);
    }
    let account = json!({"user": "new", "password": "new", "url": "https://kyc.example.com"});
    let said = world.admin(&set("link"), &account.to_string()).await.unwrap();
    assert_eq!(said.text(), "link\n", "nothing of the account is repeated");
}

#[tokio::test]
async fn an_account_that_was_scheduled_for_deletion_is_had_back_by_setting_it() {
    let world = World::new().await;
    let account = json!({"user": "new", "password": "new", "url": "https://kyc.example.com"});
    world.delete_secret("local", "link").await;
    assert_eq!(admin(&world, &["provider", "list", "local"]).await, json!(["auco", "sms", "tecalis"]));
    given(&world, &["provider", "set", "local", "link"], &account.to_string()).await;
    assert_eq!(admin(&world, &["provider", "list", "local"]).await, json!(["auco", "link", "sms", "tecalis"]));
    assert_eq!(world.secret("local", "link"), account);
}

#[tokio::test]
async fn secrets_of_a_deployment_that_is_called_like_a_tenant_are_not_the_tenant_s() {
    let world = World::new().await;
    let keys = world.local.env()["COTEJO_SECRET"].clone();
    // As another deployment's whose keys are called keys/local.
    world.set_secret(&format!("{keys}/local/acme/link"), json!({"user": "other", "password": "other"}));
    assert_eq!(admin(&world, &["provider", "list", "local"]).await, json!(["auco", "link", "sms", "tecalis"]));
}

#[tokio::test]
async fn a_process_is_shown_without_the_person_unless_that_is_asked_for() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    let shown = admin(&world, &["process", "show", "local", id]).await;
    for canary in ["Juan", "1001001010", "573003003030", "juan.perez"] {
        assert!(!shown.to_string().contains(canary), "{canary}");
    }
    assert_eq!((&shown["status"], &shown["record"]["events_to_hand_on"]), (&json!("approved"), &json!(0)));
    let names: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
    insta::assert_json_snapshot!(names);
    let whole = admin(&world, &["process", "show", "local", id, "--with-personal-data"]).await;
    assert_eq!(whole["person"]["name"], "Juan Pérez");
    world.local.add_tenant("other").await.unwrap();
    let problem = refused(&world, &["process", "show", "other", id], "").await;
    assert_eq!(problem, format!("there is no process {id} of other"));
}

#[tokio::test]
async fn records_that_were_given_up_are_replayed_once_and_deleted() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved")).await.id();
    world.local.pump().await;
    assert_eq!(admin(&world, &["dead-letters", "list"]).await, json!([]));
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    // The table cannot be read for as long as run-work is tried.
    for _ in 0..20 {
        world.aws.fail("GetItem", When::Before);
    }
    assert!(world.local.pump().await.failed_records > 0);
    while !world.aws.is_calm() {
        world.customer.get(&format!("/processes/{id}")).await;
    }
    assert_eq!(world.customer.process(&id).await["status"], "in_progress");

    let kept = admin(&world, &["dead-letters", "list"]).await;
    let record = &kept.as_array().unwrap()[0];
    assert_eq!(record["items"], json!([format!("TENANT#local#PROCESS#{id}")]));
    assert_eq!(record["condition"], "RetryAttemptsExhausted");
    let replayed = admin(&world, &["dead-letters", "replay"]).await;
    assert!(
        replayed.as_array().unwrap().iter().all(|each| each["woken"] == 1 && each["deleted"] == true),
        "{replayed}"
    );
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["status"], "approved", "without waiting for the schedule");
    assert_eq!(admin(&world, &["dead-letters", "replay"]).await, json!([]));
    let key = record["key"].as_str().unwrap();
    assert_eq!(refused(&world, &["dead-letters", "replay", key], "").await, format!("there is no record {key}"));
}

#[tokio::test]
async fn a_webhook_address_is_the_one_that_callbacks_come_in_by() {
    let world = World::new().await;
    let said = world.admin(&["provider", "webhook", "local", "auco"], "").await.unwrap();
    assert_eq!(said.text().trim_end(), world.local.auco_webhook_url());
}

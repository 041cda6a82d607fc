//! API keys: listed, revoked, expired.

use cotejo::{common::Scope, store::ApiKey};
use cotejo_tests::{World, operator};
use jiff::SignedDuration;

#[tokio::test]
async fn a_revoked_key_is_refused_within_half_a_minute_and_stays_in_the_list() {
    let world = World::new().await;
    let holder = world.holder("local", "key-1", &[Scope::ProcessesRead]).await;
    assert_eq!(holder.get("/processes").await.status, 200);
    world.clock.advance(SignedDuration::from_secs(1));
    let revoked_at = world.now();
    let revoked = world.store().revoke_api_key(&operator("local"), "key-1", revoked_at).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(revoked_at));
    world.clock.advance(SignedDuration::from_secs(29));
    let answer = holder.get("/processes").await;
    assert_eq!((answer.status, answer.error_code()), (401, "unauthorized"));
    // Who was never seen before is refused at once.
    assert_eq!(holder.create(&serde_json::json!({})).await.status, 401);

    let again = world.store().revoke_api_key(&operator("local"), "key-1", world.now()).await.unwrap().unwrap();
    assert_eq!(again.revoked_at, Some(revoked_at), "revoking again changes nothing");
    let keys = world.store().api_keys(&operator("local")).await.unwrap();
    let listed: Vec<_> = keys.iter().map(|key| (key.key_id.as_str(), key.revoked_at)).collect();
    assert_eq!(listed, [("key-1", Some(revoked_at)), ("key-local", None)]);
    assert_eq!(world.customer.get("/processes").await.status, 200, "no other key is touched");
}

#[tokio::test]
async fn keys_are_their_own_tenant_s_only() {
    let world = World::new().await;
    world.local.add_tenant("other").await.unwrap();
    world.holder("local", "mine", &[]).await;
    let other = operator("other");
    let keys = world.store().api_keys(&other).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.key_id.as_str()).collect::<Vec<_>>(), ["key-other"]);
    assert_eq!(world.store().revoke_api_key(&other, "mine", world.now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_ends_at_its_own_moment_however_well_it_is_remembered() {
    let world = World::new().await;
    let key = ApiKey {
        key_id: "short".to_owned(),
        name: "for a visit".to_owned(),
        scopes: vec![Scope::ProcessesRead],
        created_at: world.now(),
        expires_at: Some(world.now() + SignedDuration::from_secs(10)),
        revoked_at: None,
    };
    let holder = world.holder_of("local", key).await;
    world.clock.advance(SignedDuration::from_secs(9));
    assert_eq!(holder.get("/processes").await.status, 200);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(holder.get("/processes").await.status, 401);
}

#[tokio::test]
async fn the_secret_of_a_key_is_kept_nowhere() {
    let world = World::new().await;
    world.holder("local", "k", &[Scope::ProcessesRead]).await.get("/processes").await;
    let items = world.items().await;
    assert!(items.iter().any(|item| item.key.starts_with("APIKEY#")));
    for secret in ["cotejo_test_local_k", world.local.api_key()] {
        assert!(!items.iter().any(|item| item.tells(secret)));
    }
}

//! HTTP as customers meet it: envelope, errors, keys, idempotency, lists.

use cotejo::common::Scope;
use cotejo_tests::{Answer, Customer, World, order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

fn shape(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(body["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    body["request_id"] = json!("[id]");
    body
}

#[tokio::test]
async fn every_refusal_has_its_shape() {
    let world = World::new().await;
    let customer = &world.customer;
    let nobody = Customer::new(world.local.url(), "");
    let id = customer.create_once("used", &order("never")).await.id();
    let mut wrong = order("approved");
    wrong["person"]["phone"] = json!("3003003030");
    wrong["document"]["country"] = json!("co");
    wrong["tags"] = json!(["", "ok"]);
    let mut unknown = order("approved");
    unknown["person"]["nickname"] = json!("x");
    let mut missing = order("approved");
    missing["document"].as_object_mut().unwrap().remove("number");
    let big = format!(r#"{{"provider":"{}"}}"#, "x".repeat(4608 * 1024));
    let key = ("x-api-key", world.local.api_key());
    let refusals = json!({
        "no key": shape(&nobody.get("/processes").await),
        "no such path": shape(&customer.get("/nothing").await),
        "no such process": shape(&customer.get("/processes/00000000-0000-0000-0000-000000000000").await),
        "not an id": shape(&customer.get("/processes/x").await),
        "no such evidence": shape(&customer.get(&format!("/processes/{id}/evidence/{id}")).await),
        "fields": shape(&customer.create(&wrong).await),
        "unknown field": shape(&customer.create(&unknown).await),
        "missing field": shape(&customer.create(&missing).await),
        "unknown provider": shape(&customer.create(&json!({
            "provider": "nobody", "person": {"name": "x"}, "document": {"country": "CO", "type": "CC", "number": "1"},
        })).await),
        "not json": shape(&customer.send(Method::POST, "/processes", &[key], Some("{".to_owned())).await),
        "too large": shape(&customer.send(Method::POST, "/processes", &[key], Some(big)).await),
        "key reused": shape(&customer.create_once("used", &order("approved")).await),
        "unknown parameter": shape(&customer.get("/processes?state=approved").await),
        "unknown status": shape(&customer.get("/processes?status=done").await),
        "page": shape(&customer.get("/processes?page=51").await),
        "link life": shape(&customer.get(&format!("/processes/{id}/evidence/{id}?expires_in_min=61")).await),
    });
    insta::assert_json_snapshot!(refusals);
    world.catch_up();
    let stored = customer.get("/processes").await;
    assert_eq!(stored.result()["data"].as_array().unwrap().len(), 1, "bad input stores nothing");
}

#[tokio::test]
async fn what_a_browser_asks_before_a_script_may_is_answered_without_a_key() {
    let world = World::new().await;
    for path in ["/processes", "/people/x", "/nothing"] {
        let answer = Customer::new(world.local.url(), "").send(Method::OPTIONS, path, &[], None).await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_wrong_method_has_no_route() {
    let world = World::new().await;
    let key = ("x-api-key", world.local.api_key());
    for (method, path) in
        [(Method::DELETE, "/processes"), (Method::POST, "/processes/x"), (Method::GET, "/callbacks/auco/x")]
    {
        let answer = world.customer.send(method, path, &[key], None).await;
        assert_eq!((answer.status, answer.error_code()), (404, "no_such_route"), "{path}");
    }
}

#[tokio::test]
async fn keys_open_what_their_scopes_say_for_their_own_tenant_only() {
    let world = World::new().await;
    let other = world.local.add_tenant("other").await.unwrap();
    let stranger = Customer::new(world.local.url(), &other.api_key);
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    let evidence = process["evidence"][0]["id"].as_str().unwrap();
    for path in [
        format!("/processes/{id}"),
        format!("/processes/{id}?refresh=true"),
        format!("/processes/{id}/evidence/{evidence}"),
    ] {
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(stranger.get("/processes").await.result()["data"], json!([]));
    // The same idempotency key of another tenant is another process.
    let mine = world.customer.create_once("same", &order("never")).await;
    let theirs = stranger.create_once("same", &order("approved")).await;
    assert_eq!((mine.status, theirs.status), (201, 201));
    assert_ne!(mine.id(), theirs.id());

    let reader = world.holder("local", "reads", &[Scope::ProcessesRead]).await;
    assert_eq!(reader.get(&format!("/processes/{id}")).await.status, 200);
    let refused = reader.create(&order("approved")).await;
    assert_eq!((refused.status, refused.error_code()), (403, "forbidden"));
    assert_eq!(reader.get(&format!("/processes/{id}?refresh=true")).await.status, 403);
    let wrong = Customer::new(world.local.url(), "cotejo_live_nobody");
    assert_eq!(wrong.get("/processes").await.status, 401);
    let bearer = format!("Bearer {}", world.local.api_key());
    let both = world.customer.send(Method::GET, "/processes", &[("authorization", &bearer)], None).await;
    assert_eq!(both.status, 200);
}

#[tokio::test]
async fn a_repeated_request_gives_the_present_state_of_the_same_process() {
    let world = World::new().await;
    let first = world.customer.create_once("k", &order("approved")).await;
    assert_eq!((first.status, first.headers.get("idempotent-replayed")), (201, None));
    assert_eq!(first.headers["location"], format!("/processes/{}", first.id()));
    world.finish(&first.id(), 1).await;
    let again = world.customer.create_once("k", &order("approved")).await;
    assert_eq!((again.status, again.headers["idempotent-replayed"].to_str().unwrap()), (201, "true"));
    assert_eq!((again.id(), &again.result()["status"]), (first.id(), &json!("approved")));
    assert_eq!(world.local.sandbox().auco_processes().len(), 1);
    let without_key = world.customer.create(&order("approved")).await;
    assert_ne!(without_key.id(), first.id());
}

#[tokio::test]
async fn a_list_is_newest_first_filtered_and_walked_by_its_own_links() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let script = if number % 2 == 0 { "never" } else { "approved" };
        ids.push(world.customer.create(&order(script)).await.id());
        // Across the end of two months.
        world.pass(SignedDuration::from_hours(9 * 24)).await;
    }
    ids.reverse();
    let listed = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut walked = Vec::new();
    let mut next = Some("/processes?per_page=2".to_owned());
    let mut pages = 0;
    while let Some(path) = next {
        let page = world.customer.get(&path).await.result().clone();
        assert!(page["data"].as_array().unwrap().len() <= 2);
        if let Some(from) = page["from"].as_u64() {
            assert_eq!(usize::try_from(from).unwrap(), walked.len() + 1);
        }
        pages += 1;
        assert_eq!(page["current_page"], pages);
        walked.extend(listed(&page));
        next = page["next_page_url"].as_str().map(str::to_owned);
    }
    assert_eq!(walked, ids);
    let second = world.customer.get("/processes?per_page=2&page=2").await.result().clone();
    assert_eq!(listed(&second), ids[2..4]);
    assert_eq!(second["prev_page_url"], "/processes?per_page=2&page=1");
    let approved = world.customer.get("/processes?status=approved").await.result().clone();
    assert_eq!(listed(&approved), [ids[1].clone(), ids[3].clone(), ids[5].clone()]);
    assert_eq!(listed(world.customer.get("/processes?provider=link").await.result()), Vec::<String>::new());
    insta::assert_json_snapshot!(second, {
        ".data[].id" => "[id]", ".data[].provider_reference" => "[code]", ".next_page_url" => "[link]",
    });
}

#[tokio::test]
async fn an_end_less_than_three_days_ahead_is_refused_before_auco_is_asked() {
    let world = World::new().await;
    let mut body = order("approved");
    body["expires_at"] = json!(world.now() + SignedDuration::from_hours(72));
    let answer = world.customer.create(&body).await;
    assert_eq!((answer.status, answer.fields()), (422, vec!["expires_at"]));
    assert_eq!(world.local.sandbox().calls().creates, 0);
}

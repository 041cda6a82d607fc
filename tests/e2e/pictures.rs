//! Pictures that the customer submits: inline or uploaded before, known by their bytes, refused before anything is stored.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cotejo_sandbox::LinkPicture::{Back, Front, Selfie};
use cotejo_tests::{Customer, When, World, link_order, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn draw(world: &World, kind: cotejo_sandbox::LinkPicture) -> Bytes {
    world.local.sandbox().link_picture(kind, "ok").unwrap()
}

fn with_pictures(world: &World, pictures: Value) -> Value {
    let mut order = link_order(world.local.sandbox(), "ok", false, &Value::Null);
    order["pictures"] = pictures;
    order
}

/// A place for `bytes` that says it is a JPEG.
async fn place(customer: &Customer, bytes: &Bytes) -> Value {
    let answer = customer.post("/uploads", &json!({"content_type": "image/jpeg", "bytes": bytes.len()})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.result().clone()
}

async fn uploaded(world: &World, bytes: Bytes) -> Value {
    let place = place(&world.customer, &bytes).await;
    assert_eq!(world.customer.upload(&place, bytes).await, 200);
    json!({"upload_id": place["id"]})
}

/// Checks that nothing was stored and nobody was asked.
async fn check_untouched(world: &World) {
    world.catch_up();
    assert_eq!(world.customer.get("/processes").await.result()["data"], json!([]));
    let objects = world.objects("local/").await;
    assert!(objects.is_empty(), "{} objects", objects.len());
    assert_eq!(world.local.sandbox().calls().verifies, 0);
}

#[tokio::test]
async fn inline_and_uploaded_pictures_are_evidence_byte_for_byte() {
    let world = World::new().await;
    let (front, back, selfie) = (draw(&world, Front), draw(&world, Back), draw(&world, Selfie));
    let pictures = json!({
        "document_front": uploaded(&world, front.clone()).await,
        "document_back": {"content": BASE64.encode(&back)},
        "selfie": uploaded(&world, selfie.clone()).await,
    });
    let created = world.customer.create(&with_pictures(&world, pictures)).await;
    assert_eq!((created.status, &created.result()["status"]), (201, &json!("approved")));
    for (piece, original) in created.result()["evidence"].as_array().unwrap().iter().zip([front, back, selfie]) {
        let path = format!("/processes/{}/evidence/{}", created.id(), piece["id"].as_str().unwrap());
        let link = world.customer.get(&path).await;
        let (status, bytes) = world.customer.open(link.result()["url"].as_str().unwrap()).await;
        assert!(status == 200 && bytes == original, "{piece}");
    }
    let [request] = world.local.sandbox().link_requests().try_into().unwrap();
    assert_eq!((request.images, request.face), (2, true));
}

#[tokio::test]
async fn what_is_no_picture_is_refused_by_its_bytes() {
    let world = World::new().await;
    let good = json!({"content": BASE64.encode(draw(&world, Front))});
    let cut = draw(&world, Back);
    let html = Bytes::from_static(b"<html><body>a picture</body></html>");
    let gif = Bytes::from_static(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;");
    // From the first mark to the last, with nothing to see between them.
    let blank = Bytes::from_static(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xD9");
    let no_page = Bytes::from_static(b"%PDF-1.4\n%%EOF");
    for back in [
        json!({"content": BASE64.encode(&blank)}),
        json!({"content": BASE64.encode(&no_page)}),
        uploaded(&world, blank.clone()).await,
        uploaded(&world, no_page.clone()).await,
        json!({"content": BASE64.encode(&html)}),
        json!({"content": BASE64.encode(&gif)}),
        json!({"content": BASE64.encode(&cut[..cut.len() / 2])}),
        json!({"content": ""}),
        json!({"content": "not base64"}),
        json!({}),
        json!({"content": BASE64.encode(&cut), "upload_id": "00000000-0000-4000-8000-000000000000"}),
        json!({"upload_id": "00000000-0000-4000-8000-000000000000"}),
        uploaded(&world, html.clone()).await,
        uploaded(&world, cut.slice(..cut.len() / 2)).await,
    ] {
        let order = with_pictures(&world, json!({"document_front": good, "document_back": back}));
        let answer = world.customer.create(&order).await;
        assert_eq!((answer.status, answer.fields()), (422, vec!["pictures.document_back"]), "{back}");
    }
    let both = json!({"document_front": {"content": "!"}, "selfie": {"content": "!"}});
    let answer = world.customer.create(&with_pictures(&world, both)).await;
    assert_eq!(answer.fields(), ["pictures.document_front", "pictures.selfie"], "every wrong picture is named");
    let answer = world.customer.create(&with_pictures(&world, json!({"front": good}))).await;
    assert_eq!(answer.fields(), ["pictures.front"]);
    let answer = world.customer.create(&with_pictures(&world, json!({"document_back": good}))).await;
    assert_eq!(answer.fields(), ["pictures.document_front"]);
    check_untouched(&world).await;
}

#[tokio::test]
async fn pictures_are_refused_where_the_provider_takes_none() {
    let world = World::new().await;
    let mut order = order("approved");
    order["pictures"] = json!({"selfie": {"content": BASE64.encode(draw(&world, Selfie))}});
    let answer = world.customer.create(&order).await;
    assert_eq!((answer.status, answer.fields()), (422, vec!["pictures"]));
    check_untouched(&world).await;
}

#[tokio::test]
async fn an_upload_takes_what_was_announced_once() {
    let world = World::new().await;
    let picture = draw(&world, Front);
    for (body, field) in [
        (json!({"content_type": "image/gif", "bytes": 1}), "content_type"),
        (json!({"content_type": "image/png", "bytes": 0}), "bytes"),
        (json!({"content_type": "image/png", "bytes": 10_485_761}), "bytes"),
        (json!({"content_type": "image/png", "bytes": "1"}), "bytes"),
        (json!({"bytes": 1}), "content_type"),
        (json!({"content_type": "application/pdf", "bytes": 1, "name": "x"}), "name"),
    ] {
        let answer = world.customer.post("/uploads", &body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{body}");
    }
    let given = place(&world.customer, &picture).await;
    insta::assert_json_snapshot!(given, {".id" => "[id]", ".url" => "[url]", r#".headers["content-length"]"# => "[bytes]"});
    let mut other = given.clone();
    other["headers"]["content-type"] = json!("text/html");
    assert_eq!(world.customer.upload(&other, picture.clone()).await, 403);
    let mut shorter = given.clone();
    shorter["headers"]["content-length"] = json!((picture.len() - 1).to_string());
    assert_eq!(world.customer.upload(&shorter, picture.slice(1..)).await, 403, "another length");
    assert_eq!(world.customer.upload(&given, picture.clone()).await, 200);
    assert_eq!(world.customer.upload(&given, picture.clone()).await, 412, "once");
}

#[tokio::test]
async fn an_upload_that_nobody_uses_vanishes_and_one_that_was_used_stays_as_evidence() {
    let world = World::new().await;
    let used = uploaded(&world, draw(&world, Front)).await;
    let created = world.customer.create(&with_pictures(&world, json!({"document_front": used}))).await;
    let unused = uploaded(&world, draw(&world, Back)).await;
    world.pass(SignedDuration::from_hours(23)).await;
    assert_eq!(world.objects("_uploads/").await.len(), 2);
    world.pass(SignedDuration::from_hours(2)).await;
    assert!(world.objects("_uploads/").await.is_empty());
    assert_eq!(world.objects(&format!("local/{}/evidence/", created.id())).await.len(), 1);
    let late = world.customer.create(&with_pictures(&world, json!({"document_front": unused}))).await;
    assert_eq!((late.status, late.fields()), (422, vec!["pictures.document_front"]));
}

#[tokio::test]
async fn an_upload_is_its_tenant_s() {
    let world = World::new().await;
    let front = uploaded(&world, draw(&world, Front)).await;
    let other = world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(world.local.url(), &other.api_key);
    let answer = other.create(&with_pictures(&world, json!({"document_front": front}))).await;
    assert_eq!((answer.status, answer.fields()), (422, vec!["pictures.document_front"]));
}

#[tokio::test]
async fn a_repeated_request_needs_no_pictures_any_more() {
    let world = World::new().await;
    let order = with_pictures(&world, json!({"document_front": uploaded(&world, draw(&world, Front)).await}));
    let first = world.customer.create_once("key", &order).await;
    assert_eq!(first.status, 201);
    for upload in world.objects("_uploads/").await {
        let platform = world.local.platform("run-work").unwrap();
        let delete = platform.aws.s3.delete_object().bucket(&platform.config.bucket).key(upload.key);
        delete.send().await.unwrap();
    }
    let again = world.customer.create_once("key", &order).await;
    assert_eq!(
        (again.status, again.id(), &again.headers["idempotent-replayed"]),
        (201, first.id(), &"true".parse().unwrap())
    );
    let fresh = world.customer.create_once("another", &order).await;
    assert_eq!((fresh.status, fresh.fields()), (422, vec!["pictures.document_front"]));
}

#[tokio::test]
async fn a_creation_that_dies_behind_its_pictures_is_made_good_by_whoever_repeats_it() {
    let world = World::new().await;
    let order = link_order(world.local.sandbox(), "ok", true, &Value::Null);
    // Stored pictures and no process; then a process and no answer from LINK.
    world.aws.crash("PutItem", When::Before);
    tokio::select! {
        answer = world.customer.create_once("key", &order) => panic!("it ended before the crash: {answer:?}"),
        () = world.aws.crashed() => {}
    }
    assert_eq!(world.objects("local/").await.len(), 3);
    let again = world.customer.create_once("key", &order).await;
    assert_eq!((again.status, &again.result()["status"]), (201, &json!("approved")));
    assert_eq!(world.local.sandbox().link_requests().len(), 1);
    let keys: Vec<_> = world.objects("local/").await.into_iter().map(|object| object.key).collect();
    assert_eq!(keys.len(), 4, "each picture once, and the answer: {keys:?}");
}

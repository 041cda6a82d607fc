//! Picture links, and everything that can be wrong with a download.

use super::*;

async fn approved(script: &str) -> (World, String) {
    let world = World::new().await;
    let code = world.create(script).await;
    world.pass(MINUTE).await;
    (world, code)
}

#[tokio::test]
async fn pictures_are_jpegs_each_its_own_and_the_same_every_time() {
    let (world, code) = approved("").await;
    let attempt = world.query(&code).await["attempts"][0].clone();
    let mut seen = Vec::new();
    for kind in ["identificationCardFront", "identificationCardBack", "photo"] {
        let answer = world.download(&attempt[kind]).await;
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9]) && bytes.len() > 5_000);
        assert_eq!(world.sandbox.picture(&code, 0, kind), Some(bytes.clone()));
        assert_eq!(world.download(&attempt[kind]).await.bytes().await.unwrap(), bytes);
        assert!(!seen.contains(&bytes));
        seen.push(bytes);
    }
    assert_eq!(world.sandbox.picture(&code, 1, "photo"), None);
    assert_eq!(world.sandbox.picture(&code, 0, "selfie"), None);
    let view = world.sandbox.auco_processes().remove(0);
    assert_eq!((view.downloads, view.pictures_served), (6, 6));
}

#[tokio::test]
async fn a_link_dies_five_minutes_after_the_query_that_gave_it() {
    let (world, code) = approved("").await;
    world.pass(MINUTE * 60).await;
    let link = world.photo(&code).await;
    world.pass(MINUTE * 5 - SignedDuration::from_millis(1)).await;
    assert_eq!(world.download(&link).await.status(), 200);
    world.pass(SignedDuration::from_millis(1)).await;
    let refused = world.download(&link).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["content-type"]),
        (403, &"application/xml".parse().unwrap())
    );
    assert!(refused.text().await.unwrap().contains("Request has expired"));
    assert_eq!(world.download(&world.photo(&code).await).await.status(), 200);
}

#[tokio::test]
async fn a_link_that_was_touched_opens_nothing() {
    let (world, code) = approved("").await;
    let link = world.photo(&code).await.as_str().unwrap().to_owned();
    let (path, _) = link.split_once('?').unwrap();
    let later = link.replacen("Expires-At=1", "Expires-At=2", 1);
    let other = link.replace("photo", "identificationCardFront");
    let cut = link[..link.len() - 1].to_owned();
    for touched in [path, later.as_str(), other.as_str(), cut.as_str()] {
        let refused = world.download(&json!(touched)).await;
        assert_eq!(refused.status(), 403, "{touched}");
        assert!(refused.text().await.unwrap().contains("SignatureDoesNotMatch"));
    }
    assert_eq!(world.sandbox.auco_processes()[0].downloads, 0);
}

#[tokio::test]
async fn a_cut_off_picture_ends_before_its_announced_length() {
    let (world, code) = approved("cut-off:1").await;
    let link = world.photo(&code).await;
    let whole = world.sandbox.picture(&code, 0, "photo").unwrap();
    let mut answer = world.download(&link).await;
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(whole.len() as u64)));
    let mut got = Vec::new();
    let error = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => got.extend_from_slice(&chunk),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_some() && !got.is_empty() && whole.starts_with(&got) && got.len() < whole.len());
    assert_eq!(world.download(&link).await.bytes().await.unwrap(), whole);
}

#[tokio::test]
async fn the_other_faults_of_pictures_take_their_number_of_downloads_each() {
    let (world, code) = approved("html-picture:1,wrong-type:1,gone:2").await;
    for kind in ["photo", "identificationCardFront"] {
        let link = world.query(&code).await["attempts"][0][kind].clone();
        let whole = world.sandbox.picture(&code, 0, kind).unwrap();
        let html = world.download(&link).await;
        assert_eq!(html.status(), 200);
        assert!(html.text().await.unwrap().starts_with("<!DOCTYPE html>"));
        let wrong = world.download(&link).await;
        assert_eq!(wrong.headers()["content-type"], "text/html");
        assert_eq!(wrong.bytes().await.unwrap(), whole);
        assert_eq!(world.download(&link).await.status(), 403);
        assert_eq!(world.download(&link).await.status(), 403);
        assert_eq!(world.download(&link).await.bytes().await.unwrap(), whole);
    }
    assert_eq!(world.sandbox.auco_processes()[0].pictures_served, 2);
}

#[tokio::test]
async fn a_picture_is_padded_to_the_size_that_the_script_names() {
    let (world, code) = approved("picture-size:40").await;
    let bytes = world.download(&world.photo(&code).await).await.bytes().await.unwrap();
    assert_eq!(bytes.len(), 40 << 20);
    assert!(world.sandbox.picture(&code, 0, "photo") == Some(bytes));
}

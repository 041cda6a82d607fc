//! The video of Tecalis's proof of life: when there is one, what it is, and what goes wrong with it.

use sha2::{Digest, Sha256};

use super::tecalis::{authorized, customer};
use super::*;

/// A world with one authorization that went to its end, and the link to its video.
async fn recorded(script: &str) -> (World, String, Value) {
    let world = World::new().await;
    let uuid = authorized(&world, script).await;
    world.play_out().await;
    let link = customer(&world, &uuid).await["general"]["video"].clone();
    (world, uuid, link)
}

#[tokio::test]
async fn the_video_comes_with_the_proof_of_life_and_stays() {
    let world = World::new().await;
    let uuid = authorized(&world, "approved-then-cancelled").await;
    assert_eq!(customer(&world, &uuid).await["general"].get("video"), None);
    assert_eq!(world.sandbox.tecalis_video(&uuid), None);
    for wait in [SignedDuration::from_secs(30), SignedDuration::from_secs(30), MINUTE * 5] {
        world.pass(wait).await;
        let answer = customer(&world, &uuid).await;
        assert!(answer["general"]["video"].is_string(), "{}", answer["process_status"]);
    }
    assert_eq!(customer(&world, &uuid).await["process_status"], "CANCELLED");
}

#[tokio::test]
async fn a_download_gives_the_announced_length_and_the_known_hash() {
    for (script, length) in [("approved", 3u64 << 20), ("approved,video:1", 1 << 20), ("rejected,video:5", 5 << 20)] {
        let (world, uuid, link) = recorded(script).await;
        let request = world.client.get(link.as_str().unwrap()).header("range", "bytes=0-9");
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.content_length()), (200, Some(length)), "no ranges are given");
        assert_eq!(answer.headers()["content-type"], "video/mp4");
        let bytes = answer.bytes().await.unwrap();
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(&bytes[4..8], b"ftyp");
        assert_eq!(world.sandbox.tecalis_video(&uuid), Some((length, hash)), "{script}");
        let view = world.sandbox.tecalis_authorizations().remove(0);
        assert_eq!((view.video_downloads, view.videos_served, view.downloads), (1, 1, 0));
    }
}

#[tokio::test]
async fn two_authorizations_have_two_videos() {
    let world = World::new().await;
    let (one, other) = (authorized(&world, "video:1").await, authorized(&world, "video:1").await);
    world.play_out().await;
    assert_ne!(world.sandbox.tecalis_video(&one), world.sandbox.tecalis_video(&other));
}

#[tokio::test]
async fn the_script_can_have_no_video_and_no_nonsense() {
    let (world, uuid, link) = recorded("no-video").await;
    assert_eq!((link, world.sandbox.tecalis_video(&uuid)), (Value::Null, None));
    for word in ["video", "video:0", "video:4096", "no-video:1"] {
        let error = world.sandbox.tecalis_authorize(word).unwrap_err();
        assert!(matches!(error, TecalisError::UnknownWord(unknown) if unknown == word));
    }
}

#[tokio::test]
async fn the_link_dies_after_five_minutes_and_cannot_be_bent() {
    let (world, uuid, link) = recorded("").await;
    let other = link.as_str().unwrap().replace(&uuid, "00000000-0000-8000-8000-000000000000");
    assert_eq!(world.download(&json!(other)).await.status(), 403);
    world.pass(MINUTE * 5).await;
    assert_eq!(world.download(&link).await.status(), 403);
    let fresh = customer(&world, &uuid).await["general"]["video"].clone();
    assert_eq!(world.download(&fresh).await.status(), 200);
}

#[tokio::test]
async fn faults_of_the_video_take_their_number_of_downloads_each() {
    let (world, uuid, link) = recorded("video:1,video-cut-off:1,video-html:1,video-gone:2").await;
    let mut cut = world.download(&link).await;
    assert_eq!((cut.status().as_u16(), cut.content_length()), (200, Some(1 << 20)));
    let mut got = 0;
    let error = loop {
        match cut.chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_some() && got <= 1 << 19, "{got} bytes");
    assert!(world.download(&link).await.text().await.unwrap().contains("<html>"));
    assert_eq!(world.download(&link).await.status(), 403);
    assert_eq!(world.download(&link).await.status(), 403);
    let whole = world.download(&link).await.bytes().await.unwrap();
    assert_eq!(world.sandbox.tecalis_video(&uuid).unwrap().0, whole.len() as u64);
    let picture = customer(&world, &uuid).await["operations"]["POL"]["images"]["selfie"][0].clone();
    assert_eq!(world.download(&picture).await.status(), 200, "pictures have faults of their own");
    assert_eq!(world.sandbox.tecalis_authorizations()[0].videos_served, 1);
}

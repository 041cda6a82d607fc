//! What is logged, and what never is.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::*;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_of_a_link_but_its_host_is_ever_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logging =
        tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(move || writer.clone()).finish();
    // With one subscriber alone, the first thread to reach a line decides for all threads whether it is logged, and the
    // other tests' threads have none.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(logging);
    let scene = Scene::new().await;
    let canary = "/canary?X-Amz-Signature=canary";
    for answer in [Answer::status(403, "canary"), Answer::status(500, "canary"), Answer::ok("canary")] {
        let url = scene.server.answer(canary, [answer]);
        let error = scene.copy_all(vec![url]).await.remove(0).unwrap_err();
        assert!(!format!("{error} {error:?} {}", error.code()).contains("canary"));
    }
    assert!(scene.copy_all(vec!["https://canary@elsewhere.example/".to_owned()]).await[0].is_err());
    scene.server.answer("/bucket/", [Answer::status(500, "<Error><Message>canary</Message></Error>")]);
    assert_eq!(scene.copy([Answer::ok(samples::png())]).await, Err(CopyError::Store));
    let url = scene.server.answer(canary, [Answer::status(403, "canary")]);
    assert!(scene.copier.copy_video(&scene.tenant, scene.process, &[], &url, "canary").await.is_err());
    let refused = "<Error><Key>canary</Key><Code>AccessDenied</Code><Message>canary</Message></Error>";
    let version = "<Version><Key>canary/1</Key><VersionId>v</VersionId></Version>";
    scene.server.answer("ListObjectVersions", [Answer::document("ListObjectVersions", version)]);
    scene.server.answer("DeleteObjects", [Answer::document("DeleteObjects", refused)]);
    assert!(scene.bucket.delete_all("canary/").await.is_err());
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(logged.matches("picture not copied").count(), 5, "{logged}");
    assert_eq!(logged.matches("video not copied").count(), 1, "{logged}");
    assert_eq!(logged.matches("S3 did not delete everything").count(), 1, "{logged}");
    assert!(logged.contains("reason=\"link_expired\"") && logged.contains("127.0.0.1"), "{logged}");
    assert!(!logged.contains("canary"), "{logged}");
}

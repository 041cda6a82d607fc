//! Copying pictures.

use super::*;

#[tokio::test]
async fn each_picture_is_one_conditional_write_with_its_hash() {
    let scene = Scene::new().await;
    let files = [
        (samples::jpeg(90_000), "image/jpeg", "jpg"),
        (samples::png(), "image/png", "png"),
        (samples::pdf(), "application/pdf", "pdf"),
    ];
    let urls = files.iter().enumerate().map(|(at, (file, ..))| {
        // The header lies; the bytes tell.
        let answer = Answer::ok(file.clone()).header("content-type", "text/html");
        scene.server.answer(&format!("/{at}?X-Amz-Signature=secret"), [answer])
    });
    let stored = scene.copy_all(urls.collect()).await;
    let mut writes = scene.sent_to_s3();
    assert_eq!(writes.len(), files.len());
    for ((attempt, stored), (file, content_type, extension)) in (1..).zip(stored).zip(files) {
        let hash = hex::encode(sha256(&file));
        let key = format!("acme/{PROCESS}/evidence/selfie-{attempt}-{hash}.{extension}");
        let expected = Stored { key, bytes: file.len() as u64, sha256: hash, content_type };
        assert_eq!(stored.as_ref(), Ok(&expected));
        let target = format!("/bucket/{}?x-id=PutObject", expected.key);
        let at = writes.iter().position(|write| write.target == target);
        let write = writes.remove(at.unwrap_or_else(|| panic!("{target} was not written")));
        assert_eq!((write.method.as_str(), &write.body[..]), ("PUT", &file[..]));
        let length = file.len().to_string();
        for (name, value) in [
            ("if-none-match", "*"),
            ("x-amz-checksum-sha256", &BASE64.encode(sha256(&file))),
            ("content-length", &length),
            ("content-type", content_type),
            ("cache-control", "private, no-store"),
        ] {
            assert_eq!(write.headers.get(name).map(String::as_str), Some(value), "{name}");
        }
        let signed = write.headers["authorization"].clone();
        assert!(signed.contains("x-amz-checksum-sha256") && signed.contains("if-none-match"), "{signed}");
    }
}

#[tokio::test]
async fn a_picture_comes_whole_however_its_end_is_told() {
    let picture = samples::jpeg(200_000);
    for answer in [Answer::ok(picture.clone()), Answer::chunked(picture.clone(), true), Answer::until_close(picture)] {
        assert!(Scene::new().await.copy([answer]).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_no_whole_picture_is_never_stored() {
    let picture = samples::jpeg(100_000);
    let half = Bytes::from(picture[..50_000].to_vec());
    for (answer, error) in [
        (Answer::status(400, "<Code>ExpiredToken</Code>"), CopyError::LinkExpired),
        (Answer::status(401, ""), CopyError::LinkExpired),
        (Answer::status(403, picture.clone()), CopyError::LinkExpired),
        (Answer::status(404, ""), CopyError::LinkExpired),
        (Answer::status(410, ""), CopyError::LinkExpired),
        (Answer::status(302, "").header("location", "/elsewhere"), CopyError::NotMedia),
        (Answer::ok(""), CopyError::NotMedia),
        (Answer::ok("<!DOCTYPE html><html>Sign in</html>").header("content-type", "image/jpeg"), CopyError::NotMedia),
        (Answer::ok("{\"error\":\"expired\"}"), CopyError::NotMedia),
        (Answer::ok(samples::mp4()), CopyError::NotMedia),
        (Answer::announcing(picture.len(), half.clone()), CopyError::CutOff),
        (Answer::chunked(half.clone(), false), CopyError::CutOff),
        (Answer::chunked(half.clone(), true), CopyError::CutOff),
        (Answer::until_close(half.clone()), CopyError::CutOff),
        (Answer::ok(half), CopyError::CutOff),
        (Answer::status(429, ""), CopyError::Unavailable),
        (Answer::status(500, ""), CopyError::Unavailable),
        (Answer::status(503, ""), CopyError::Unavailable),
        (Answer::announcing(MAX_PICTURE_BYTES + 1, picture.clone()), CopyError::TooLarge),
    ] {
        let scene = Scene::new().await;
        assert_eq!(scene.copy([answer]).await, Err(error));
        assert_eq!(scene.server.requests("/picture").len(), if error.is_transient() { 2 } else { 1 }, "{error:?}");
        assert!(scene.sent_to_s3().is_empty() && scene.server.requests("/elsewhere").is_empty(), "{error:?}");
    }
}

#[tokio::test]
async fn passing_trouble_is_over_at_the_second_try() {
    let picture = samples::jpeg(100_000);
    for trouble in [
        Answer::status(500, ""),
        Answer::ok("<html>Please wait</html>"),
        Answer::announcing(picture.len(), picture[..50_000].to_vec()),
        Answer::ok(picture[..50_000].to_vec()),
    ] {
        let scene = Scene::new().await;
        assert!(scene.copy([trouble, Answer::ok(picture.clone())]).await.is_ok());
        assert_eq!(scene.sent_to_s3().len(), 1);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_time_cap() {
    let limits = Limits { picture_time: Duration::from_millis(200), ..Limits::default() };
    let scene = Scene::new().await.limited(limits);
    let never = Answer::ok(samples::jpeg(100)).pausing(Duration::from_secs(3600));
    assert_eq!(scene.copy([never]).await, Err(CopyError::Unavailable));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let scene = Scene::new().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(scene.copy_all(vec![format!("http://{nobody}/")]).await, [Err(CopyError::Unavailable)]);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let scene = Scene::new().await;
    let deployed = Copier::new(scene.bucket.clone(), false);
    let hosts = ["pictures.example.com".to_owned()];
    let url = scene.server.answer("/picture", [Answer::ok(samples::png())]);
    for (url, refused) in [
        (url, UrlRefused::Loopback),
        ("https://evil.example/".to_owned(), UrlRefused::HostNotListed),
        ("http://pictures.example.com/".to_owned(), UrlRefused::NotHttps),
    ] {
        let media = vec![Media { kind: EvidenceKind::Selfie, attempt: 1, url }];
        let copied = deployed.copy_all(&scene.tenant, scene.process, &hosts, media).await;
        assert_eq!(copied, [Err(CopyError::Refused(refused))]);
    }
    assert!(scene.server.requests("/").is_empty());
}

/// The guard would refuse this name by itself; the connector must do so without its help.
#[tokio::test]
async fn a_host_that_resolves_to_this_machine_is_refused_while_connecting() {
    let scene = Scene::new().await;
    let url = format!("https://localhost:{}/", scene.server.address.port());
    let client = crate::platform::http::guarded_client(false);
    let fetched = fetch::fetch(&client, url.parse().unwrap()).await;
    assert_eq!(fetched.err(), Some(CopyError::Refused(UrlRefused::NotPublic)));
}

#[tokio::test]
async fn an_endless_body_is_read_no_further_than_the_limit() {
    let scene = Scene::new().await;
    let endless = Answer::chunked(vec![0xFF; 40 << 20], true);
    assert_eq!(scene.copy([endless]).await, Err(CopyError::TooLarge));
    let sent = scene.server.sent();
    assert!((MAX_PICTURE_BYTES..MAX_PICTURE_BYTES + (8 << 20)).contains(&sent), "{sent}");

    let scene = Scene::new().await;
    assert_eq!(scene.copy([Answer::ok(vec![0xFF; 40 << 20])]).await, Err(CopyError::TooLarge));
    // What fits the sockets' buffers was sent; nothing of it was read.
    assert!(scene.server.sent() < 8 << 20, "{}", scene.server.sent());
}

#[tokio::test]
async fn twenty_of_the_largest_pictures_are_never_in_memory_together() {
    let scene = Scene::new().await;
    let largest = Bytes::from(samples::jpeg(MAX_PICTURE_BYTES));
    assert_eq!(largest.len(), MAX_PICTURE_BYTES);
    let urls = |from: u32, to: u32| {
        (from..to).map(|at| scene.server.answer(&format!("/{at}"), [Answer::ok(largest.clone())])).collect()
    };
    // From two tasks, as two records of one batch would.
    let (first, second) = tokio::join!(scene.copy_all(urls(0, 10)), scene.copy_all(urls(10, 20)));
    assert!(first.iter().chain(&second).all(Result::is_ok));
    assert_eq!(scene.sent_to_s3().len(), 20);
    assert_eq!(scene.server.most_open(), 3);
    let most_taken = scene.copier.most_taken();
    assert!((3 * MAX_PICTURE_BYTES..=32 << 20).contains(&most_taken), "{most_taken}");
}

#[tokio::test]
async fn a_picture_that_is_there_already_counts_as_stored() {
    let scene = Scene::new().await;
    scene.server.answer("/bucket/", [Answer::ok(""), Answer::status(412, "<Code>PreconditionFailed</Code>")]);
    let first = scene.copy([Answer::ok(samples::png())]).await.unwrap();
    let again = scene.copy([Answer::ok(samples::png())]).await.unwrap();
    assert_eq!(first, again);
    assert!(scene.sent_to_s3().iter().all(|request| request.method == "PUT"));
}

#[tokio::test]
async fn a_write_that_meets_another_is_sent_again() {
    let conflict = Answer::status(409, "<Code>ConditionalRequestConflict</Code>");
    let scene = Scene::new().await;
    scene.server.answer("/bucket/", [conflict.clone(), conflict.clone(), Answer::ok("")]);
    assert!(scene.copy([Answer::ok(samples::png())]).await.is_ok());
    assert_eq!(scene.sent_to_s3().len(), 3);

    let scene = Scene::new().await;
    scene.server.answer("/bucket/", [conflict]);
    assert_eq!(scene.copy([Answer::ok(samples::png())]).await, Err(CopyError::Store));
    assert_eq!(scene.sent_to_s3().len(), 4);
}

#[tokio::test]
async fn bucket_and_link_failures_are_distinguished() {
    for (status, requests) in [(500, 2), (503, 2), (403, 1), (404, 1)] {
        let scene = Scene::new().await;
        scene.server.answer("/bucket/", [Answer::status(status, "<Error><Code>Trouble</Code></Error>")]);
        assert_eq!(scene.copy([Answer::ok(samples::png())]).await, Err(CopyError::Store), "{status}");
        assert_eq!(scene.sent_to_s3().len(), requests, "{status}");
        assert_eq!(scene.server.requests("/picture").len(), 1);
    }
    // What the SDK repeats by itself succeeds unseen.
    let scene = Scene::new().await;
    scene.server.answer("/bucket/", [Answer::status(500, ""), Answer::ok("")]);
    assert!(scene.copy([Answer::ok(samples::png())]).await.is_ok());
}

//! The bucket by itself.

use super::*;

#[tokio::test]
async fn an_object_is_read_up_to_the_callers_limit() {
    let scene = Scene::new().await;
    scene.server.answer("/bucket/", [Answer::ok("twelve bytes")]);
    assert_eq!(scene.bucket.get("a/b", 12).await, Ok("twelve bytes".into()));
    assert_eq!(scene.bucket.get("a/b", 11).await, Err(BucketError::TooLarge));
    scene.server.answer("/bucket/", [Answer::status(404, "<Error><Code>NoSuchKey</Code></Error>")]);
    assert_eq!(scene.bucket.get("a/b", 12).await, Err(BucketError::NotFound));
    scene.server.answer("/bucket/", [Answer::status(403, "<Error><Code>AccessDenied</Code></Error>")]);
    assert_eq!(scene.bucket.get("a/b", 12).await, Err(BucketError::Unavailable));
    assert!(scene.sent_to_s3().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_link_lives_from_a_minute_to_an_hour() {
    let scene = Scene::new().await;
    let link = |seconds, name| scene.bucket.presign_get("a/b.jpg", Duration::from_secs(seconds), name);
    let plain = link(900, None).await.unwrap();
    assert!(plain.starts_with(&scene.server.url("/bucket/a/b.jpg?")), "{plain}");
    assert!(plain.contains("X-Amz-Expires=900") && !plain.contains("response-content-disposition"), "{plain}");
    let named = link(60, Some("front \"1\".jpg\r\nX: y")).await.unwrap();
    assert!(named.contains("attachment%3B%20filename%3D%22front__1_.jpg__X__y%22"), "{named}");
    for seconds in [0, 59, 3601] {
        assert_eq!(link(seconds, None).await, Err(BucketError::LinkLife));
    }
    assert!(scene.sent_to_s3().is_empty());
}

#[tokio::test]
async fn a_link_to_write_signs_what_was_announced_and_nothing_more() {
    let scene = Scene::new().await;
    let key = ObjectKey::Upload { tenant: &scene.tenant, id: PROCESS.parse().unwrap() };
    let link = |seconds| scene.bucket.presign_put(&key, "application/pdf", 1234, Duration::from_secs(seconds));
    let made = link(300).await.unwrap();
    assert!(made.url.starts_with(&scene.server.url(&format!("/bucket/_uploads/acme/{PROCESS}/file?"))), "{}", made.url);
    let query = made.url.split_once('?').unwrap().1;
    assert!(query.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match&"), "{query}");
    assert!(query.contains("X-Amz-Expires=300") && !query.to_lowercase().contains("checksum"), "{query}");
    let mut headers = made.headers;
    headers.sort();
    let expected = [("content-length", "1234"), ("content-type", "application/pdf"), ("if-none-match", "*")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for seconds in [59, 3601] {
        assert!(matches!(link(seconds).await, Err(BucketError::LinkLife)));
    }
    assert!(scene.sent_to_s3().is_empty());
}

#[tokio::test]
async fn the_length_of_an_object_is_asked_without_reading_it() {
    let scene = Scene::new().await;
    for (answer, length) in [
        (Answer::announcing(1234, ""), Ok(Some(1234))),
        (Answer::status(404, ""), Ok(None)),
        (Answer::status(403, ""), Err(BucketError::Unavailable)),
    ] {
        scene.server.answer("HeadObject", [answer]);
        assert_eq!(scene.bucket.head_length("a/b").await, length);
    }
    assert_eq!(scene.operations(), ["HeadObject"; 3]);
}

const UPLOADS: &str = "ListMultipartUploads";
const ABORT: &str = "AbortMultipartUpload";
const VERSIONS: &str = "ListObjectVersions";
const DELETE: &str = "DeleteObjects";

/// A page of a list; `next` is where the next page begins.
fn page(list: &str, content: &str, next: Option<&str>) -> Answer {
    let (truncated, next) = (next.is_some(), next.unwrap_or_default());
    Answer::document(list, &format!("<IsTruncated>{truncated}</IsTruncated>{next}{content}"))
}

#[tokio::test]
async fn every_version_every_mark_and_every_unfinished_write_is_deleted() {
    let scene = Scene::new().await;
    let upload = |key: &str, id: &str| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
    let next = "<NextKeyMarker>a/b/1</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>";
    let second = upload("a/b/2", "u2") + &upload("a/b/2", "u3");
    scene.server.answer(UPLOADS, [page(UPLOADS, &upload("a/b/1", "u1"), Some(next)), page(UPLOADS, &second, None)]);
    // The second was completed or aborted in between.
    let gone = Answer::status(404, "<Error><Code>NoSuchUpload</Code></Error>");
    scene.server.answer(ABORT, [Answer::ok(""), gone, Answer::ok("")]);
    let version = |key: &str, id: &str| format!("<Version><Key>{key}</Key><VersionId>{id}</VersionId></Version>");
    let mark = "<DeleteMarker><Key>a/b/c</Key><VersionId>v3</VersionId></DeleteMarker>";
    let next = "<NextKeyMarker>a/b/c</NextKeyMarker><NextVersionIdMarker>v3</NextVersionIdMarker>";
    let first = version("a/b/c", "v1") + &version("a/b/c", "v2") + mark;
    let second = version("a/b/d", "v4");
    scene.server.answer(VERSIONS, [page(VERSIONS, &first, Some(next)), page(VERSIONS, &second, None)]);

    assert_eq!(scene.bucket.delete_all("a/b/").await, Ok(6));

    let operations = [UPLOADS, ABORT, UPLOADS, ABORT, ABORT, VERSIONS, DELETE, VERSIONS, DELETE];
    assert_eq!(scene.operations(), operations);
    let sent = scene.sent_to_s3();
    let targets = |operation| sent.iter().filter(move |request| request.operation() == Some(operation));
    for (list, marker) in [(UPLOADS, "upload-id-marker=u1"), (VERSIONS, "version-id-marker=v3")] {
        assert!(targets(list).all(|request| request.target.contains("prefix=a%2Fb%2F")), "{list}");
        let second = &targets(list).nth(1).unwrap().target;
        assert!(second.contains("key-marker=a%2Fb%2F") && second.contains(marker), "{second}");
    }
    let bodies: Vec<_> = targets(DELETE).map(|request| String::from_utf8_lossy(&request.body)).collect();
    for (body, ids) in bodies.iter().zip([&["v1", "v2", "v3"][..], &["v4"]]) {
        assert_eq!(body.matches("<VersionId>").count(), ids.len(), "{body}");
        assert!(ids.iter().all(|id| body.contains(&format!("<VersionId>{id}</VersionId>"))), "{body}");
    }
}

#[tokio::test]
async fn a_refusal_of_one_key_is_no_success() {
    let scene = Scene::new().await;
    let version = "<Version><Key>a/b/c</Key><VersionId>v1</VersionId></Version>";
    scene.server.answer(VERSIONS, [page(VERSIONS, version, None)]);
    let refused = "<Error><Key>a/b/c</Key><Code>AccessDenied</Code></Error>";
    scene.server.answer(DELETE, [Answer::document(DELETE, refused)]);
    assert_eq!(scene.bucket.delete_all("a/b/").await, Err(BucketError::Unavailable));
}

#[tokio::test]
async fn trouble_while_deleting_is_told_and_nothing_loops() {
    for (operation, answer) in [
        (UPLOADS, Answer::status(403, "<Error><Code>AccessDenied</Code></Error>")),
        (VERSIONS, Answer::status(403, "<Error><Code>AccessDenied</Code></Error>")),
        (UPLOADS, page(UPLOADS, "", Some(""))),
        (VERSIONS, page(VERSIONS, "", Some(""))),
    ] {
        let scene = Scene::new().await;
        scene.server.answer(operation, [answer]);
        assert_eq!(scene.bucket.delete_all("a/b/").await, Err(BucketError::Unavailable), "{operation}");
        assert_eq!(scene.operations().last(), Some(&operation));
    }
}

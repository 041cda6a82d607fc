//! Storing what was handed to us.

use super::*;

#[tokio::test]
async fn a_providers_answer_is_kept_untouched() {
    let scene = Scene::new().await;
    for (body, content_type, extension) in
        [("{\"status\": \"APPROVED\"}\n", "application/json", "json"), ("<html>", "application/octet-stream", "bin")]
    {
        let stored = scene.copier.store_raw(&scene.tenant, scene.process, body.into()).await.unwrap();
        let hash = hex::encode(sha256(body.as_bytes()));
        assert_eq!(stored.key, format!("acme/{PROCESS}/raw/{hash}.{extension}"));
        assert_eq!((stored.content_type, stored.bytes), (content_type, body.len() as u64));
        assert_eq!(scene.sent_to_s3().last().unwrap().body, body);
    }
}

#[tokio::test]
async fn a_complete_submitted_picture_is_stored_once() {
    let scene = Scene::new().await;
    let store = |body: Vec<u8>| {
        scene.copier.store_submitted(&scene.tenant, scene.process, EvidenceKind::DocumentFront, body.into())
    };
    for (body, content_type, extension) in [
        (samples::jpeg(90_000), "image/jpeg", "jpg"),
        (samples::png(), "image/png", "png"),
        (samples::pdf(), "application/pdf", "pdf"),
    ] {
        let stored = store(body.clone()).await.unwrap();
        let hash = hex::encode(sha256(&body));
        assert_eq!(stored.key, format!("acme/{PROCESS}/evidence/document_front-1-{hash}.{extension}"));
        assert_eq!((stored.bytes, stored.content_type), (body.len() as u64, content_type));
        let write = scene.sent_to_s3().pop().unwrap();
        assert_eq!((write.method.as_str(), &write.body[..]), ("PUT", &body[..]));
        assert_eq!(write.headers["if-none-match"], "*");
    }
    scene.server.answer("/bucket/", [Answer::status(412, "<Error><Code>PreconditionFailed</Code></Error>")]);
    assert!(store(samples::png()).await.is_ok());
    assert_eq!(scene.sent_to_s3().len(), 4);
    for (body, error) in [
        (Vec::new(), CopyError::NotMedia),
        (b"<html>".to_vec(), CopyError::NotMedia),
        (samples::webp(), CopyError::NotMedia),
        (samples::heic(), CopyError::NotMedia),
        (samples::mp4(), CopyError::NotMedia),
        (samples::jpeg(90_000)[..50_000].to_vec(), CopyError::CutOff),
        (samples::pdf()[..40].to_vec(), CopyError::CutOff),
        (samples::jpeg(MAX_PICTURE_BYTES + 1), CopyError::TooLarge),
    ] {
        assert_eq!(store(body).await, Err(error));
    }
    assert_eq!(scene.sent_to_s3().len(), 4);
}

#[tokio::test]
async fn a_certificate_is_a_whole_pdf() {
    let scene = Scene::new().await;
    let store = |body: Vec<u8>| scene.copier.store_certificate(&scene.tenant, scene.process, body.into());
    let stored = store(samples::pdf()).await.unwrap();
    let hash = hex::encode(sha256(&samples::pdf()));
    assert_eq!(stored.key, format!("acme/{PROCESS}/certificate-{hash}.pdf"));
    assert_eq!((stored.content_type, &stored.sha256), ("application/pdf", &hash));
    let write = scene.sent_to_s3().pop().unwrap();
    assert_eq!(write.headers["if-none-match"], "*");
    assert_eq!(write.headers["content-disposition"], "attachment");
    let padded = [samples::pdf(), vec![b'\n'; MAX_CERTIFICATE_BYTES]].concat();
    for (body, error) in [
        (b"{\"status\":\"pending\"}".to_vec(), CopyError::NotMedia),
        (samples::jpeg(900), CopyError::NotMedia),
        (samples::pdf()[..40].to_vec(), CopyError::CutOff),
        (padded, CopyError::TooLarge),
    ] {
        assert_eq!(store(body).await, Err(error));
    }
    assert_eq!(scene.sent_to_s3().len(), 1);
}

#[tokio::test]
async fn a_callback_is_kept_untouched_and_read_back_by_its_key() {
    let scene = Scene::new().await;
    let key = scene.copier.store_callback(&scene.tenant, scene.process, "not even JSON".into()).await.unwrap();
    assert_eq!(key, format!("acme/{PROCESS}/callbacks/{}", hex::encode(sha256(b"not even JSON"))));
    assert_eq!(scene.sent_to_s3().pop().unwrap().body, "not even JSON");
    scene.server.answer("/bucket/", [Answer::ok("not even JSON")]);
    assert_eq!(scene.copier.read(&key, 13).await, Ok("not even JSON".into()));
    assert!(scene.sent_to_s3().pop().unwrap().target.starts_with(&format!("/bucket/{key}?")));
    assert_eq!(scene.copier.read(&key, 12).await, Err(CopyError::TooLarge));
}

#[tokio::test]
async fn an_upload_that_never_came_is_told_apart_from_trouble() {
    let scene = Scene::new().await;
    let read = || scene.copier.read_upload(&scene.tenant, PROCESS.parse().unwrap());
    let largest = vec![7; MAX_PICTURE_BYTES];
    for (answer, read_as) in [
        (Answer::ok("a file"), Ok("a file".into())),
        (Answer::ok(largest.clone()), Ok(largest.into())),
        (Answer::ok(vec![7; MAX_PICTURE_BYTES + 1]), Err(CopyError::TooLarge)),
        (Answer::status(404, "<Error><Code>NoSuchKey</Code></Error>"), Err(CopyError::NotFound)),
        (Answer::status(403, "<Error><Code>AccessDenied</Code></Error>"), Err(CopyError::Store)),
    ] {
        scene.server.answer("/bucket/", [answer]);
        assert!(read().await == read_as);
        assert!(
            scene.sent_to_s3().pop().unwrap().target.starts_with(&format!("/bucket/_uploads/acme/{PROCESS}/file?"))
        );
    }
}

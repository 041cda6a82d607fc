//! Copying a video.

use super::*;

const MIB: usize = 1 << 20;
const PART: usize = 8 * MIB;

const BEGIN: &str = "CreateMultipartUpload";
const WRITE: &str = "UploadPart";
const COMPLETE: &str = "CompleteMultipartUpload";
const ABORT: &str = "AbortMultipartUpload";
const HEAD: &str = "HeadObject";

impl Scene {
    /// What becomes of a video that the provider answers so.
    async fn copy_video(&self, answer: Answer) -> Result<Stored, CopyError> {
        let url = self.server.answer("/video", [answer]);
        self.copier.copy_video(&self.tenant, self.process, &[], &url, "video-1").await
    }
}

fn name() -> String {
    format!("acme/{PROCESS}/evidence/video-{}", hex::encode(sha256(b"video-1")))
}

#[tokio::test]
async fn a_video_of_several_parts_arrives_whole_with_its_hash() {
    let scene = Scene::new().await;
    let video = samples::mp4_of(20 * MIB + 123);
    let stored = scene.copy_video(Answer::ok(video.clone())).await.unwrap();
    let (key, bytes, hash) = (name() + ".mp4", video.len() as u64, hex::encode(sha256(&video)));
    assert_eq!(stored, Stored { key: key.clone(), bytes, sha256: hash, content_type: "video/mp4" });
    assert_eq!(scene.operations(), [BEGIN, WRITE, WRITE, WRITE, COMPLETE]);

    let mut sent = scene.sent_to_s3();
    assert!(sent.iter().all(|request| request.target.starts_with(&format!("/bucket/{key}?"))));
    let complete = sent.pop().unwrap();
    assert_eq!(complete.headers["if-none-match"], "*");
    assert!(complete.headers["authorization"].contains("if-none-match"));
    let completed = String::from_utf8_lossy(&complete.body);
    let begin = sent.remove(0);
    for (name, value) in [
        ("content-type", "video/mp4"),
        ("content-disposition", "attachment"),
        ("cache-control", "private, no-store"),
        ("x-amz-checksum-algorithm", "SHA256"),
    ] {
        assert_eq!(begin.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    for ((number, part), expected) in (1..).zip(sent).zip(video.chunks(PART)) {
        assert!(part.target.contains(&format!("partNumber={number}&uploadId=upload-1")), "{}", part.target);
        assert_eq!(part.headers["content-length"], expected.len().to_string());
        let checksum = BASE64.encode(sha256(expected));
        assert_eq!(part.headers["x-amz-checksum-sha256"], checksum);
        assert!(part.headers["authorization"].contains("x-amz-checksum-sha256"));
        assert!(part.body == expected[..part.body.len()]);
        assert!(completed.contains(&format!("<ChecksumSHA256>{checksum}</ChecksumSHA256>")), "{completed}");
        assert!(completed.contains(&format!("<PartNumber>{number}</PartNumber>")), "{completed}");
    }
}

#[tokio::test]
async fn a_video_of_any_length_is_copied_whole() {
    for video in [samples::mp4(), samples::mp4_of(PART), samples::mp4_of(PART + 1)] {
        let parts = video.len().div_ceil(PART);
        for answer in [Answer::ok(video.clone()), Answer::chunked(video.clone(), true), Answer::until_close(video)] {
            let scene = Scene::new().await;
            assert!(scene.copy_video(answer).await.is_ok());
            assert_eq!(scene.operations(), [&[BEGIN][..], &vec![WRITE; parts], &[COMPLETE]].concat());
        }
    }
    let scene = Scene::new().await;
    let stored = scene.copy_video(Answer::ok(samples::webm())).await.unwrap();
    assert_eq!((stored.key, stored.content_type), (name() + ".webm", "video/webm"));
}

#[tokio::test]
async fn what_is_no_video_never_reaches_the_bucket() {
    let limits = || Limits { video_bytes: 1000, ..Limits::default() };
    for (answer, error) in [
        (Answer::ok("<!DOCTYPE html><html>Sign in</html>").header("content-type", "video/mp4"), CopyError::NotMedia),
        (Answer::ok("{\"error\":\"expired\"}"), CopyError::NotMedia),
        (Answer::ok(""), CopyError::NotMedia),
        (Answer::ok(samples::jpeg(900)), CopyError::NotMedia),
        (Answer::ok(samples::pdf()), CopyError::NotMedia),
        (Answer::status(206, samples::mp4()), CopyError::NotMedia),
        (Answer::status(302, "").header("location", "/elsewhere"), CopyError::NotMedia),
        (Answer::status(403, samples::mp4()), CopyError::LinkExpired),
        (Answer::status(503, ""), CopyError::Unavailable),
        (Answer::announcing(64, samples::mp4()[..40].to_vec()), CopyError::CutOff),
        (Answer::chunked(samples::mp4(), false), CopyError::CutOff),
        (Answer::announcing(1001, samples::mp4()), CopyError::TooLarge),
        (Answer::chunked(samples::mp4_of(1001), true), CopyError::TooLarge),
    ] {
        let scene = Scene::new().await.limited(limits());
        assert_eq!(scene.copy_video(answer).await, Err(error));
        assert!(scene.sent_to_s3().is_empty() && scene.server.requests("/elsewhere").is_empty(), "{error:?}");
        assert_eq!(scene.server.requests("/video").len(), 1, "{error:?}");
    }
    let scene = Scene::new().await.limited(limits());
    assert!(scene.copy_video(Answer::ok(samples::mp4_of(1000))).await.is_ok());
}

#[tokio::test]
async fn a_video_longer_than_any_is_refused_when_it_is_announced() {
    let scene = Scene::new().await;
    let announced = usize::try_from(MAX_VIDEO_BYTES).unwrap() + 1;
    assert_eq!(scene.copy_video(Answer::announcing(announced, samples::mp4())).await, Err(CopyError::TooLarge));
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let scene = Scene::new().await;
    let deployed = Copier::new(scene.bucket.clone(), false);
    let url = scene.server.answer("/video", [Answer::ok(samples::mp4())]);
    let copied = deployed.copy_video(&scene.tenant, scene.process, &[], &url, "video-1").await;
    assert_eq!(copied, Err(CopyError::Refused(UrlRefused::Loopback)));
    assert!(scene.server.requests("/").is_empty());
}

#[tokio::test]
async fn a_video_that_goes_wrong_on_its_way_leaves_no_parts() {
    let video = samples::mp4_of(PART + MIB);
    let most = Bytes::from(video[..PART + 1000].to_vec());
    let too_long = samples::mp4_of(PART + 2 * MIB);
    for (answer, error) in [
        (Answer::announcing(video.len(), most.clone()), CopyError::CutOff),
        (Answer::chunked(most.clone(), false), CopyError::CutOff),
        (Answer::chunked(most.clone(), true), CopyError::CutOff),
        (Answer::until_close(most.clone()), CopyError::CutOff),
        (Answer::ok(most), CopyError::CutOff),
        (Answer::ok([&video[..], b"?"].concat()), CopyError::CutOff),
        (Answer::chunked(too_long, true), CopyError::TooLarge),
    ] {
        let limits = Limits { video_bytes: (PART + MIB) as u64 + 1, ..Limits::default() };
        let scene = Scene::new().await.limited(limits);
        assert_eq!(scene.copy_video(answer).await, Err(error));
        let operations = scene.operations();
        assert_eq!((operations.first(), operations.last()), (Some(&BEGIN), Some(&ABORT)), "{operations:?}");
        assert!(!operations.contains(&COMPLETE), "{operations:?}");
    }
}

#[tokio::test]
async fn a_video_that_stalls_or_takes_too_long_is_given_up() {
    let (short, long) = (Duration::from_millis(1000), Duration::from_secs(3600));
    for (stall_time, video_time) in [(short, long), (long, short)] {
        let limits = Limits { stall_time, video_time, ..Limits::default() };
        let scene = Scene::new().await.limited(limits);
        let stalling = Answer::ok(samples::mp4_of(PART + MIB)).pausing_after(PART + 1000, long);
        assert_eq!(scene.copy_video(stalling).await, Err(CopyError::Unavailable));
        // How far it came is the machine's to say; what was begun is not left behind.
        let count = |wanted| scene.operations().into_iter().filter(|operation| *operation == wanted).count();
        assert_eq!((count(BEGIN), count(COMPLETE)), (count(ABORT), 0));
    }
    // The same before anything came.
    let limits = Limits { stall_time: Duration::from_millis(100), ..Limits::default() };
    let scene = Scene::new().await.limited(limits);
    assert_eq!(scene.copy_video(Answer::ok(samples::mp4()).pausing(long)).await, Err(CopyError::Unavailable));
    assert!(scene.sent_to_s3().is_empty());
}

#[tokio::test]
async fn trouble_of_the_bucket_leaves_no_parts() {
    let trouble = |status| Answer::status(status, "<Error><Code>Trouble</Code></Error>");
    let late = Answer::ok("<Error><Code>InternalError</Code></Error>");
    for (operation, answer, expected) in [
        (BEGIN, trouble(403), &[BEGIN][..]),
        (WRITE, trouble(403), &[BEGIN, WRITE, ABORT]),
        (COMPLETE, trouble(409), &[BEGIN, WRITE, COMPLETE, ABORT]),
        (COMPLETE, trouble(500), &[BEGIN, WRITE, COMPLETE, COMPLETE, ABORT]),
        (COMPLETE, late, &[BEGIN, WRITE, COMPLETE, COMPLETE, ABORT]),
        // The parts are gone and no object is there.
        (COMPLETE, trouble(404), &[BEGIN, WRITE, COMPLETE, ABORT, HEAD]),
    ] {
        let scene = Scene::new().await;
        scene.server.answer(operation, [answer]);
        assert_eq!(scene.copy_video(Answer::ok(samples::mp4())).await, Err(CopyError::Store));
        assert_eq!(scene.operations(), expected);
    }
    // What the SDK repeats by itself succeeds unseen, and so does a completion whose first answer was lost.
    for (operation, answers) in
        [(WRITE, [trouble(500), Answer::ok("").header("etag", "\"a-part\"")]), (COMPLETE, [trouble(500), trouble(404)])]
    {
        let scene = Scene::new().await;
        scene.server.answer(operation, answers);
        scene.server.answer(HEAD, [Answer::announcing(64, "")]);
        assert!(scene.copy_video(Answer::ok(samples::mp4())).await.is_ok(), "{operation}");
    }
}

#[tokio::test]
async fn an_existing_video_of_the_same_size_counts_as_stored() {
    let taken = Answer::status(412, "<Error><Code>PreconditionFailed</Code></Error>");
    for (length, outcome) in [(64, Ok(())), (63, Err(CopyError::Store))] {
        let scene = Scene::new().await;
        scene.server.answer(COMPLETE, [taken.clone()]);
        scene.server.answer(HEAD, [Answer::announcing(length, "")]);
        assert_eq!(scene.copy_video(Answer::ok(samples::mp4())).await.map(|_| ()), outcome);
        assert_eq!(scene.operations(), [BEGIN, WRITE, COMPLETE, ABORT, HEAD]);
    }
}

#[tokio::test]
async fn a_video_takes_its_turn_with_ten_of_the_largest_pictures() {
    let scene = Scene::new().await;
    let largest = Bytes::from(samples::jpeg(MAX_PICTURE_BYTES));
    let urls = (0..10).map(|at| scene.server.answer(&format!("/{at}"), [Answer::ok(largest.clone())])).collect();
    let video = Answer::ok(samples::mp4_of(40 * MIB));
    let (video, pictures) = tokio::join!(scene.copy_video(video), scene.copy_all(urls));
    assert!(video.is_ok() && pictures.iter().all(Result::is_ok));
    let most_taken = scene.copier.most_taken();
    assert!((3 * MAX_PICTURE_BYTES..=32 << 20).contains(&most_taken), "{most_taken}");
    let sent = scene.sent_to_s3();
    let mut parts = sent.iter().filter(|request| request.operation() == Some(WRITE));
    assert!(parts.all(|part| part.headers["content-length"] == PART.to_string()), "a part is all that is held");
}

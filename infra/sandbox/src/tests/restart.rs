//! What is still there after the sandbox was stopped, or killed at the worst moment.

use std::fs;
use std::io::Write;

use super::*;
use crate::ids::Id;

/// A file of its own for one test, removed at the end.
struct StateFile(PathBuf);

impl StateFile {
    fn new(test: &str) -> StateFile {
        let path = std::env::temp_dir().join(format!("cotejo-sandbox-{}-{test}/state.json", std::process::id()));
        StateFile(path)
    }

    async fn open(&self) -> World {
        World::with(Some(self.0.clone()), |_| {}).await
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

#[tokio::test]
async fn processes_plans_pictures_and_counts_survive() {
    let file = StateFile::new("survive");
    let before = file.open().await;
    let first = before.create("approved,cut-off:1").await;
    let second = before.create("blocked-validated").await;
    before.pass(MINUTE).await;
    assert!(before.download(&before.photo(&first).await).await.bytes().await.is_err());
    let picture = before.sandbox.picture(&first, 0, "photo");

    let after = file.open().await;
    *after.clock.lock().unwrap() = *before.clock.lock().unwrap();
    assert_eq!(after.query(&first).await["status"], "APPROVED");
    assert_eq!(after.sandbox.picture(&first, 0, "photo"), picture);
    assert_eq!(after.download(&after.photo(&first).await).await.bytes().await.ok(), picture, "one cut was used up");
    after.play_out().await;
    assert_eq!(after.query(&second).await["status"], "APPROVED");
    assert_eq!(after.receiver.statuses(), ["BLOCKED", "VALIDATED"]);
    let third = after.create("").await;
    assert!(third != first && third != second);
}

#[tokio::test]
async fn a_webhook_that_waits_for_another_try_goes_to_the_new_address() {
    let file = StateFile::new("waits");
    let before = file.open().await;
    before.create("").await;
    before.receiver.answer_with(&[500]);
    before.pass(MINUTE).await;

    let after = file.open().await;
    assert_eq!(after.sandbox.next_due(), Some("2026-11-02T10:03:00Z".parse().unwrap()));
    after.pass(MINUTE * 3).await;
    assert_eq!(after.receiver.statuses(), ["APPROVED"]);
    assert_eq!(file.open().await.sandbox.next_due(), None);
}

#[tokio::test]
async fn half_a_line_at_the_end_is_forgotten_and_a_broken_line_inside_is_an_error() {
    let file = StateFile::new("half");
    let code = file.open().await.create("").await;
    let append = |text: &str| fs::OpenOptions::new().append(true).open(&file.0).unwrap().write_all(text.as_bytes());
    append("{\"Auco\":{\"serial\":1,").unwrap();
    let world = file.open().await;
    let next = world.create("").await;
    let codes = |world: &World| world.sandbox.auco_processes().into_iter().map(|view| view.code).collect::<Vec<_>>();
    assert_eq!(codes(&file.open().await), [code, next]);

    append("nonsense\n").unwrap();
    let config = SandboxConfig {
        base_url: String::new(),
        state_file: Some(file.0.clone()),
        now: Arc::new(|| Timestamp::UNIX_EPOCH),
        seed: 0,
        times: Times::default(),
        auco: AucoAccount { public_key: String::new(), private_key: String::new(), webhooks: Vec::new() },
        link: LinkAccount { user: String::new(), password: String::new(), refuse_with_401: false },
        tecalis_api_key: String::new(),
    };
    let error = Sandbox::open(config).map(|_| ()).unwrap_err();
    assert!(matches!(error, SandboxError::StateLine { line: 3, .. }), "{error}");
}

#[tokio::test]
async fn a_file_from_before_videos_and_counted_callbacks_is_read() {
    let file = StateFile::new("older");
    let world = file.open().await;
    let code = world.create("").await;
    let uuid = world.sandbox.tecalis_authorize("").unwrap();
    let written = fs::read_to_string(&file.0).unwrap();
    let older = written.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let mut forget = |provider: &str, fields: &[&str]| {
            for field in fields {
                let of = record.pointer_mut(provider).and_then(Value::as_object_mut);
                assert!(of.is_none_or(|of| of.remove(*field).is_some()), "{provider} has {field}");
            }
        };
        forget("/Auco", &["sent", "acknowledged"]);
        forget("/Tecalis", &["video_downloads", "videos_served"]);
        forget("/Tecalis/script", &["video", "video_faults"]);
        format!("{record}\n")
    });
    let older: String = older.collect();
    assert_eq!(older.lines().count(), 2);
    fs::write(&file.0, older).unwrap();

    let after = file.open().await;
    after.play_out().await;
    assert_eq!(after.query(&code).await["status"], "APPROVED");
    assert_eq!(after.receiver.statuses(), ["APPROVED"]);
    assert_eq!(after.sandbox.tecalis_video(&uuid).unwrap().0, 3 << 20);
}

#[tokio::test]
async fn the_file_stays_small_however_often_it_is_asked() {
    let file = StateFile::new("small");
    let world = file.open().await;
    let code = world.create("never").await;
    for _ in 0..2_100 {
        let mut state = world.sandbox.state();
        state.auco.get_mut(&code).unwrap().queries += 1;
        state.save(&Id::Auco(code.clone())).unwrap();
    }
    let lines = fs::read_to_string(&file.0).unwrap().lines().count();
    assert!(lines < 200, "{lines} lines");
    assert_eq!(file.open().await.sandbox.auco_processes()[0].queries, 2_100);
}

#[tokio::test]
async fn creates_at_the_same_time_all_survive() {
    let file = StateFile::new("many");
    let world = file.open().await;
    let creates = (0..200).map(|_| world.create(""));
    let mut codes = futures_util::future::join_all(creates).await;
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 200);
    assert_eq!(file.open().await.sandbox.auco_processes().len(), 200);
}

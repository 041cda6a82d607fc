//! What the functions keep, by their own hands.

use cotejo::{
    common::TenantId,
    evidence::Copier,
    objects::{Bucket, BucketError, ObjectKey},
    process::{EvidenceKind, ProcessId},
};
use sha2::{Digest as _, Sha256};

use super::*;

const PROCESS: &str = "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11";
const NEIGHBOUR: &str = "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c12";

fn ids() -> (TenantId, ProcessId) {
    ("acme".parse().expect("tenant"), PROCESS.parse().expect("process"))
}

/// An MP4 whose content differs from place to place.
fn mp4(size: usize) -> Vec<u8> {
    let content: Vec<u8> = (0..size - 40).map(|at| (at / 1000 % 251) as u8).collect();
    let length = (content.len() as u64 + 16).to_be_bytes();
    [b"\0\0\0\x18ftypisom\0\0\0\0isommp42\0\0\0\x01mdat", &length[..], &content].concat()
}

/// The URL of a server that answers everything with `body`.
async fn serve(body: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url = format!("http://{}/video", listener.local_addr().expect("address"));
    let app = axum::Router::new().fallback(move || std::future::ready(body.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn a_video_of_several_parts_is_kept_as_it_was_and_only_once() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let copier = Copier::new(Bucket::new(client.clone(), "kept".to_owned()), true);
    let (tenant, process) = ids();
    let video = mp4(20 << 20);
    let url = serve(video.clone()).await;
    let copy = |url: String| {
        let (copier, tenant) = (copier.clone(), tenant.clone());
        async move { copier.copy_video(&tenant, process, &[], &url, "video-1").await }
    };
    let stored = copy(url.clone()).await.expect("stored");
    let name = hex::encode(Sha256::digest("video-1"));
    assert_eq!(stored.key, format!("acme/{PROCESS}/evidence/video-{name}.mp4"));
    assert_eq!((stored.bytes, stored.content_type), (20 << 20, "video/mp4"));
    assert_eq!(stored.sha256, hex::encode(Sha256::digest(&video)));
    let kept = client.get_object().bucket("kept").key(&stored.key).send().await.expect("object");
    assert_eq!(
        (kept.content_type(), kept.content_disposition(), kept.cache_control()),
        (Some("video/mp4"), Some("attachment"), Some("private, no-store"))
    );
    assert!(kept.body.collect().await.expect("body").to_vec() == video);

    assert_eq!(copy(url).await, Ok(stored));
    let longer = serve(mp4((20 << 20) + 1)).await;
    assert_eq!(copy(longer).await, Err(cotejo::evidence::CopyError::Store));
    let unfinished = client.list_multipart_uploads().bucket("kept").send().await.expect("list");
    assert!(unfinished.uploads().is_empty());
}

#[tokio::test]
async fn of_a_process_nothing_is_left_and_of_its_neighbour_everything() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let bucket = Bucket::new(client.clone(), "kept".to_owned());
    let copier = Copier::new(bucket.clone(), true);
    let (tenant, process) = ids();
    let pdf = &include_bytes!("../../../../../../shared/src/objects/testdata/pillow.pdf")[..];
    copier.store_certificate(&tenant, process, pdf.into()).await.expect("certificate");
    copier.store_submitted(&tenant, process, EvidenceKind::DocumentFront, pdf.into()).await.expect("picture");
    copier.store_callback(&tenant, process, "a callback".into()).await.expect("callback");
    copier.store_raw(&tenant, process, "{}".into()).await.expect("answer");
    let prefix = ObjectKey::process_prefix(&tenant, process);
    for key in [format!("{prefix}evidence/video-1.mp4"), format!("{prefix}evidence/video-2.mp4")] {
        client.create_multipart_upload().bucket("kept").key(key).send().await.expect("upload");
    }
    let neighbour = NEIGHBOUR.parse().expect("process");
    let kept = copier.store_certificate(&tenant, neighbour, pdf.into()).await.expect("certificate");
    let theirs = ObjectKey::process_prefix(&tenant, neighbour);
    client.create_multipart_upload().bucket("kept").key(format!("{theirs}v")).send().await.expect("upload");

    assert_eq!(bucket.delete_all(&prefix).await, Ok(6));
    assert_eq!(bucket.delete_all(&prefix).await, Ok(0));
    let versions = client.list_object_versions().bucket("kept").send().await.expect("list");
    let left: Vec<_> = versions.versions().iter().filter_map(|version| version.key()).collect();
    assert_eq!(left, [kept.key]);
    let unfinished = client.list_multipart_uploads().bucket("kept").send().await.expect("list");
    assert_eq!(unfinished.uploads().len(), 1);
    for careless in ["", "/", "acme", prefix.trim_end_matches('/')] {
        assert_eq!(bucket.delete_all(careless).await, Err(BucketError::Prefix), "{careless}");
    }
}

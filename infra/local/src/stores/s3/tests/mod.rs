//! The store as the AWS SDK sees it, and as the functions' own [`cotejo::objects::Bucket`] does.

mod kept;
mod links;
mod versions;

use std::{collections::HashMap, path::Path};

use aws_sdk_s3::{
    error::ProvideErrorMetadata as _,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use cotejo::platform::SystemClock;

use super::*;
use crate::stores::Access;

/// A server over `root`, with one bucket.
async fn client(root: &Path) -> Client {
    let server = Embedded::open(root.to_owned(), "local", "secret", Arc::new(SystemClock)).expect("server");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, server.router()).await });
    let access = Access {
        dynamodb_url: url.clone(),
        s3_url: url,
        region: "us-east-1".to_owned(),
        access_key_id: "local".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        http: cotejo::platform::aws::transport(),
    };
    let client = access.s3();
    ensure_bucket(&client, "kept").await.expect("bucket");
    client
}

async fn put(client: &Client, key: &str, body: &'static [u8]) -> Result<(), String> {
    let put = client.put_object().bucket("kept").key(key).content_type("image/jpeg").if_none_match("*");
    let answer = put.body(ByteStream::from_static(body)).send().await;
    answer.map(|_| ()).map_err(|error| error.code().unwrap_or("none").to_owned())
}

async fn get(client: &Client, key: &str) -> Option<Vec<u8>> {
    let answer = client.get_object().bucket("kept").key(key).send().await.ok()?;
    assert_eq!(answer.content_type(), Some("image/jpeg"));
    Some(answer.body.collect().await.ok()?.to_vec())
}

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let root = tempfile::tempdir().expect("directory");
    put(&client(root.path()).await, "a/b", b"one").await.expect("put");
    let again = client(root.path()).await;
    assert_eq!(get(&again, "a/b").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(put(&again, "a/b", b"two").await, Err("PreconditionFailed".to_owned()));
    assert_eq!(get(&again, "a/b").await.as_deref(), Some(&b"one"[..]));
}

#[tokio::test]
async fn a_key_that_is_no_plain_path_is_refused() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    for key in ["../out", "a/../../out", "a//b", "/a", "a/", "a/./b", "a\\b"] {
        assert_eq!(put(&client, key, b"x").await, Err("InvalidArgument".to_owned()), "{key}");
    }
    assert!(!root.path().join("out").exists());
}

#[tokio::test]
async fn long_keys_and_keys_below_keys_are_taken() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let long = format!("{}/{}/{}", "t".repeat(40), "p".repeat(200), "e".repeat(200));
    for key in ["d", "d/x", long.as_str()] {
        put(&client, key, b"x").await.expect(key);
        assert!(get(&client, key).await.is_some(), "{key}");
    }
}

#[tokio::test]
async fn of_many_writers_one_wins() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let writers = (0..20).map(|_| put(&client, "same", b"x"));
    let outcomes = futures_util::future::join_all(writers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_wrong_checksum_changes_nothing() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    put(&client, "a", b"one").await.expect("put");
    let wrong =
        client.put_object().bucket("kept").key("a").checksum_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let error = wrong.body(ByteStream::from_static(b"two")).send().await.expect_err("refused");
    assert_eq!(error.code(), Some("BadDigest"));
    assert_eq!(get(&client, "a").await.as_deref(), Some(&b"one"[..]));
    let right = client.put_object().bucket("kept").key("b").checksum_algorithm(ChecksumAlgorithm::Sha256);
    right.content_type("image/jpeg").body(ByteStream::from_static(b"two")).send().await.expect("put");
    assert_eq!(get(&client, "b").await.as_deref(), Some(&b"two"[..]));
}

#[tokio::test]
async fn a_part_of_an_object_can_be_read() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    put(&client, "a", b"0123456789").await.expect("put");
    let part = client.get_object().bucket("kept").key("a").range("bytes=2-4").send().await.expect("part");
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(part.body.collect().await.expect("body").to_vec(), b"234");
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let started = client.create_multipart_upload().bucket("kept").key("v").content_type("image/jpeg").send().await;
    let id = started.expect("upload").upload_id.expect("id");
    let spoilt = client.upload_part().bucket("kept").key("v").upload_id(&id).part_number(1);
    let spoilt =
        spoilt.checksum_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").body(ByteStream::from_static(b"x"));
    assert_eq!(spoilt.send().await.expect_err("refused").code(), Some("BadDigest"));
    let mut parts = Vec::new();
    for (number, body) in [(1, vec![1; 5 << 20]), (2, vec![2; 10])] {
        let part = client.upload_part().bucket("kept").key("v").upload_id(&id).part_number(number);
        let part = part.body(ByteStream::from(body)).send().await.expect("part");
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = || {
        let complete = client.complete_multipart_upload().bucket("kept").key("v").upload_id(&id).if_none_match("*");
        complete.multipart_upload(parts.clone()).send()
    };
    complete().await.expect("completed");
    assert_eq!(get(&client, "v").await.expect("object").len(), (5 << 20) + 10);
    assert_eq!(complete().await.expect_err("gone").code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn a_list_comes_in_pages_and_groups() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    for key in ["a/1", "a/2", "b", "c/1"] {
        put(&client, key, b"x").await.expect("put");
    }
    let mut pages = Vec::new();
    let mut listing = client.list_objects_v2().bucket("kept").max_keys(2).into_paginator().send();
    while let Some(page) = listing.next().await {
        let page = page.expect("page");
        pages.push(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["a/1", "a/2"], vec!["b", "c/1"]]);
    let grouped = client.list_objects_v2().bucket("kept").delimiter("/").send().await.expect("list");
    let groups: HashMap<_, _> = grouped.common_prefixes().iter().map(|group| (group.prefix(), ())).collect();
    assert_eq!((groups.len(), grouped.contents().len()), (2, 1));
    client.delete_object().bucket("kept").key("b").send().await.expect("delete");
    assert_eq!(get(&client, "b").await, None);
}

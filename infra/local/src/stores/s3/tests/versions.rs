//! Listing and deleting versions and unfinished uploads.

use aws_sdk_s3::{
    error::ProvideErrorMetadata as _,
    types::{Delete, ObjectIdentifier, ObjectLockLegalHold, ObjectLockLegalHoldStatus},
};

use super::*;

#[tokio::test]
async fn every_object_is_one_version_and_they_come_in_pages() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    for key in ["a", "b/1", "b/2", "b/3", "c"] {
        put(&client, key, b"x").await.expect("put");
    }
    let list = client.list_object_versions().bucket("kept").prefix("b/").max_keys(2);
    let first = list.clone().send().await.expect("page");
    let found = |page: &aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput| {
        let versions = page.versions().iter();
        versions.map(|one| (one.key.clone().expect("key"), one.version_id.clone().expect("id"))).collect::<Vec<_>>()
    };
    let only = |key: &str| (key.to_owned(), "null".to_owned());
    assert_eq!(found(&first), [only("b/1"), only("b/2")]);
    assert_eq!(first.versions()[0].is_latest(), Some(true));
    assert_eq!((first.is_truncated(), first.next_key_marker()), (Some(true), Some("b/2")));
    let markers = list.set_key_marker(first.next_key_marker).set_version_id_marker(first.next_version_id_marker);
    let second = markers.send().await.expect("page");
    assert_eq!((found(&second), second.is_truncated()), (vec![only("b/3")], Some(false)));
}

#[tokio::test]
async fn deleting_the_only_version_deletes_the_object_and_another_one_nothing() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    put(&client, "a", b"one").await.expect("put");
    put(&client, "b", b"two").await.expect("put");
    let delete = |version: &str| client.delete_object().bucket("kept").key("a").version_id(version).send();
    delete("another").await.expect("no error");
    assert!(get(&client, "a").await.is_some());
    delete("null").await.expect("deleted");
    delete("null").await.expect("no error");
    assert_eq!(get(&client, "a").await, None);

    let delete = |version: &str| {
        let one = ObjectIdentifier::builder().key("b").version_id(version).build().expect("identifier");
        client.delete_objects().bucket("kept").delete(Delete::builder().objects(one).build().expect("request")).send()
    };
    delete("another").await.expect("no error");
    assert!(get(&client, "b").await.is_some());
    assert_eq!(delete("null").await.expect("deleted").deleted()[0].version_id(), Some("null"));
    assert_eq!(get(&client, "b").await, None);
}

#[tokio::test]
async fn unfinished_uploads_are_listed_by_prefix_in_pages() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    for key in ["a", "b/1", "b/2", "b/2", "c"] {
        client.create_multipart_upload().bucket("kept").key(key).send().await.expect("upload");
    }
    let mut found = Vec::new();
    let (mut key_marker, mut id_marker) = (None, None);
    for pages_left in (0..3).rev() {
        let list = client.list_multipart_uploads().bucket("kept").prefix("b/").max_uploads(1);
        let list = list.set_key_marker(key_marker).set_upload_id_marker(id_marker);
        let page = list.send().await.expect("page");
        found.extend(page.uploads().iter().map(|one| (one.key.clone(), one.upload_id.clone())));
        assert_eq!(page.is_truncated(), Some(pages_left > 0));
        (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
    }
    let keys: Vec<_> = found.iter().filter_map(|(key, _)| key.as_deref()).collect();
    assert_eq!(keys, ["b/1", "b/2", "b/2"]);
    assert_ne!(found[1].1, found[2].1);
}

#[tokio::test]
async fn a_version_on_legal_hold_is_neither_deleted_nor_replaced_until_it_is_lifted() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    put(&client, "a/held", b"one").await.expect("put");
    put(&client, "a/free", b"two").await.expect("put");
    let set = |key: &str, status: ObjectLockLegalHoldStatus| {
        let hold = ObjectLockLegalHold::builder().status(status).build();
        client.put_object_legal_hold().bucket("kept").key(key).version_id("null").legal_hold(hold).send()
    };
    let status = async || {
        let answer = client.get_object_legal_hold().bucket("kept").key("a/held").send().await.expect("hold");
        answer.legal_hold.and_then(|hold| hold.status)
    };
    assert_eq!(status().await, Some(ObjectLockLegalHoldStatus::Off));
    set("a/held", ObjectLockLegalHoldStatus::On).await.expect("held");
    assert_eq!(status().await, Some(ObjectLockLegalHoldStatus::On));
    assert_eq!(set("a/none", ObjectLockLegalHoldStatus::On).await.expect_err("nothing").code(), Some("NoSuchKey"));

    let refused = client.delete_object().bucket("kept").key("a/held").version_id("null").send().await;
    assert_eq!(refused.expect_err("held").code(), Some("AccessDenied"));
    assert!(put(&client, "a/held", b"other").await.is_err());
    let both =
        ["a/held", "a/free"].map(|key| ObjectIdentifier::builder().key(key).version_id("null").build().expect("id"));
    let both = Delete::builder().set_objects(Some(both.into())).build().expect("request");
    let answer = client.delete_objects().bucket("kept").delete(both).send().await.expect("the request itself");
    let errors: Vec<_> = answer.errors().iter().map(|error| (error.code(), error.key(), error.version_id())).collect();
    assert_eq!(errors, [(Some("AccessDenied"), Some("a/held"), Some("null"))]);
    assert_eq!((get(&client, "a/held").await.is_some(), get(&client, "a/free").await), (true, None));

    set("a/held", ObjectLockLegalHoldStatus::Off).await.expect("lifted");
    client.delete_object().bucket("kept").key("a/held").version_id("null").send().await.expect("deleted");
    assert_eq!(get(&client, "a/held").await, None);
}

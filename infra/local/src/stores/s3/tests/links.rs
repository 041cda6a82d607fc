//! Presigned links, opened without credentials, as with curl.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use cotejo::objects::{Bucket, BucketError, ObjectKey};

use super::*;

#[tokio::test]
async fn a_presigned_link_opens_until_it_is_tampered_with_or_ends() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    put(&client, "a", b"one").await.expect("put");
    let link = |seconds| {
        let get = client.get_object().bucket("kept").key("a").response_content_disposition("inline");
        let config = PresigningConfig::expires_in(std::time::Duration::from_secs(seconds)).expect("config");
        async move { get.presigned(config).await.expect("link").uri().to_owned() }
    };
    let good = link(60).await;
    let answer = reqwest::get(&good).await.expect("answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-disposition"]),
        (200, &"inline".parse().expect("ok"))
    );
    assert_eq!(reqwest::get(good.replace("/a?", "/b?")).await.expect("answer").status(), 403);
    let short = link(1).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(reqwest::get(short).await.expect("answer").status(), 403);
}

/// The status that a `PUT` of `body` with these headers is answered with.
async fn put_with_curl(url: &str, headers: &[(String, String)], body: &'static str) -> u16 {
    let mut request = reqwest::Client::new().put(url).body(body);
    for (name, value) in headers {
        // The client counts by itself; here it must not be made to lie.
        if name != "content-length" {
            request = request.header(name, value);
        }
    }
    request.send().await.expect("answer").status().as_u16()
}

#[tokio::test]
async fn a_link_to_write_takes_what_was_announced_once() {
    let root = tempfile::tempdir().expect("directory");
    let client = client(root.path()).await;
    let bucket = Bucket::new(client.clone(), "kept".to_owned());
    let tenant = "acme".parse().expect("tenant");
    let key = ObjectKey::Upload { tenant: &tenant, id: "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11".parse().expect("id") };
    let link = bucket.presign_put(&key, "image/jpeg", 3, Duration::from_secs(60)).await.expect("link");

    let named: HashMap<_, _> = link.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(named, [("content-type", "image/jpeg"), ("content-length", "3"), ("if-none-match", "*")].into());
    let signed = "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match";
    assert!(link.url.contains(signed) && !link.url.to_lowercase().contains("checksum"), "{}", link.url);

    let other_type =
        [("content-type".to_owned(), "text/html".to_owned()), ("if-none-match".to_owned(), "*".to_owned())];
    assert_eq!(put_with_curl(&link.url, &other_type, "one").await, 403);
    assert_eq!(put_with_curl(&link.url, &link.headers, "four").await, 403);
    let without = |name| link.headers.iter().filter(|header| header.0 != name).cloned().collect::<Vec<_>>();
    for name in ["content-type", "if-none-match"] {
        assert_eq!(put_with_curl(&link.url, &without(name), "one").await, 403, "{name}");
    }
    let other_key = link.url.replace("/acme/", "/else/");
    assert_eq!(put_with_curl(&other_key, &link.headers, "one").await, 403);
    assert_eq!(bucket.head_length(&key.to_string()).await, Ok(None));

    assert_eq!(put_with_curl(&link.url, &link.headers, "one").await, 200);
    assert_eq!(put_with_curl(&link.url, &link.headers, "two").await, 412);
    assert_eq!(get(&client, &key.to_string()).await.as_deref(), Some(&b"one"[..]));
    assert_eq!(bucket.head_length(&key.to_string()).await, Ok(Some(3)));
    let too_long = bucket.presign_put(&key, "image/jpeg", 3, Duration::from_secs(3601)).await;
    assert!(matches!(too_long, Err(BucketError::LinkLife)));
}

//! Listing the objects of a bucket.

use std::time::SystemTime;

use s3s::{
    S3Request, S3Result,
    dto::{CommonPrefix, ETag, ListObjectsV2Input, ListObjectsV2Output, Object, Timestamp},
};

use super::{
    disk::Disk,
    index::{Entry, Objects},
};

/// One page of a listing.
#[derive(Default)]
struct Page {
    contents: Vec<Object>,
    groups: Vec<String>,
    /// The last name on it.
    last: Option<String>,
    truncated: bool,
}

impl Disk {
    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let page = self.index.with(&input.bucket, |objects| Page::read(objects, &input))?;
        let Page { contents, groups, last, truncated } = page;
        let groups: Vec<_> = groups.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: input.max_keys.or(Some(1000)),
            key_count: i32::try_from(contents.len() + groups.len()).ok(),
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            is_truncated: Some(truncated),
            next_continuation_token: last.filter(|_| truncated),
            contents: Some(contents),
            common_prefixes: Some(groups),
            ..ListObjectsV2Output::default()
        })
    }
}

impl Page {
    fn read(objects: &Objects, input: &ListObjectsV2Input) -> Self {
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.as_ref().or(input.start_after.as_ref()).cloned().unwrap_or_default();
        let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap_or(0).min(1000);
        let from = prefix.clone().max(after.clone());
        let mut page = Self::default();
        for (key, entry) in objects.range(from..).take_while(|(key, _)| key.starts_with(&prefix)) {
            let group = group(key, prefix.len(), input.delimiter.as_deref());
            let name = group.as_ref().unwrap_or(key);
            if *name <= after || page.groups.last() == Some(name) {
                continue;
            }
            if page.contents.len() + page.groups.len() == most {
                page.truncated = true;
                break;
            }
            page.last = Some(name.clone());
            match group {
                Some(group) => page.groups.push(group),
                None => page.contents.push(object(entry)),
            }
        }
        page
    }
}

/// The common prefix of a key: up to the first delimiter behind the listing's prefix.
fn group(key: &str, prefix: usize, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter?;
    let end = key[prefix..].find(delimiter)? + prefix + delimiter.len();
    Some(key[..end].to_owned())
}

fn object(entry: &Entry) -> Object {
    Object {
        key: Some(entry.key.clone()),
        size: i64::try_from(entry.size).ok(),
        e_tag: Some(ETag::Strong(entry.etag.clone())),
        last_modified: Some(Timestamp::from(SystemTime::from(entry.modified))),
        ..Object::default()
    }
}

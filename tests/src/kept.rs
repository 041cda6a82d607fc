//! Everything that is stored, as seen with access to table and bucket.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::World;

/// An item of the table or an object of the bucket.
pub struct Kept {
    /// The item's or the object's key.
    pub key: String,
    /// Its whole content; of an item, every attribute as text.
    pub content: Vec<u8>,
}

impl Kept {
    /// Whether `text` is in its key or its content.
    #[must_use]
    pub fn tells(&self, text: &str) -> bool {
        self.key.contains(text) || self.content.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl World {
    /// Every item of the table.
    pub async fn items(&self) -> Vec<Kept> {
        let platform = self.local.platform("run-work").unwrap();
        let (table, mut items, mut from) = (&platform.config.table, Vec::new(), None);
        loop {
            let page =
                platform.aws.dynamodb.scan().table_name(table).set_exclusive_start_key(from).send().await.unwrap();
            items.extend(page.items().iter().map(|item| {
                let key = item["pk"].as_s().unwrap().clone();
                Kept { key, content: format!("{item:?}").into_bytes() }
            }));
            from = page.last_evaluated_key().cloned();
            if from.is_none() {
                return items;
            }
        }
    }

    /// Every item of the table, its strings and numbers as JSON text and its maps as JSON maps.
    pub async fn raw_items(&self) -> Vec<Value> {
        let platform = self.local.platform("run-work").unwrap();
        let (table, mut items, mut from) = (&platform.config.table, Vec::new(), None);
        loop {
            let scan = platform.aws.dynamodb.scan().table_name(table).set_exclusive_start_key(from);
            let page = scan.send().await.unwrap();
            items.extend(page.items().iter().map(plain));
            from = page.last_evaluated_key().cloned();
            if from.is_none() {
                return items;
            }
        }
    }

    /// Every object of the bucket whose key begins with `prefix`.
    pub async fn objects(&self, prefix: &str) -> Vec<Kept> {
        let platform = self.local.platform("run-work").unwrap();
        let (bucket, mut objects, mut from) = (&platform.config.bucket, Vec::new(), None);
        loop {
            let list = platform.aws.s3.list_object_versions().bucket(bucket).prefix(prefix).set_key_marker(from);
            let page = list.send().await.unwrap();
            for version in page.versions() {
                let key = version.key().unwrap().to_owned();
                let object = platform.aws.s3.get_object().bucket(bucket).key(&key).send().await.unwrap();
                objects.push(Kept { key, content: object.body.collect().await.unwrap().to_vec() });
            }
            from = page.next_key_marker().map(str::to_owned);
            if page.is_truncated() != Some(true) {
                return objects;
            }
        }
    }

    /// How many uploads of long objects are unfinished.
    pub async fn unfinished_uploads(&self) -> usize {
        let platform = self.local.platform("run-work").unwrap();
        let list = platform.aws.s3.list_multipart_uploads().bucket(&platform.config.bucket).send().await.unwrap();
        list.uploads().len()
    }
}

fn plain(item: &HashMap<String, AttributeValue>) -> Value {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Value::String(text.clone()),
        AttributeValue::M(map) => plain(map),
        _ => Value::Null,
    };
    item.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

//! Which objects exist. An object is one small JSON file that names the file with its bytes: the rename of the first is
//! the moment in which the object appears or is replaced, whole, with its type and checksums.

use std::{
    collections::BTreeMap,
    io,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use s3s::{S3Error, S3Result, dto::ETagCondition, s3_error};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::data::{read_json, write_private};

/// One object, as its index file holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The bytes' file, relative to the bucket's `data`.
    pub(super) data: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    pub(super) attributes: Attributes,
    /// By the name of the header without `x-amz-checksum-`.
    pub(super) checksums: BTreeMap<String, String>,
    /// Whether it has a legal hold, so that it is neither deleted nor replaced.
    #[serde(default)]
    pub(super) held: bool,
}

/// The headers with which an object was written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// The objects of one bucket by key.
pub(super) type Objects = BTreeMap<String, Arc<Entry>>;

pub(super) struct Index {
    root: PathBuf,
    buckets: Mutex<BTreeMap<String, Objects>>,
}

pub(super) struct Conditions {
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_match: Option<ETagCondition>,
}

fn read_objects(index: &Path) -> io::Result<Objects> {
    let mut objects = Objects::new();
    for file in std::fs::read_dir(index)? {
        if let Some(entry) = read_json::<Entry>(&file?.path())? {
            objects.insert(entry.key.clone(), Arc::new(entry));
        }
    }
    Ok(objects)
}

impl Index {
    /// Reads the index files under `root`, and removes data files without an object, which a kill left behind.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&root)?;
        let mut buckets = BTreeMap::new();
        for bucket in std::fs::read_dir(&root)? {
            let bucket = bucket?;
            let Ok(name) = bucket.file_name().into_string() else { continue };
            make_parts(&bucket.path())?;
            let objects = read_objects(&bucket.path().join("index"))?;
            let data = bucket.path().join("data");
            let named = objects.values().map(|entry| data.join(&entry.data)).collect();
            remove_others(&data, &named)?;
            buckets.insert(name, objects);
        }
        Ok(Self { root, buckets: Mutex::new(buckets) })
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> S3Result<()> {
        let mut buckets = self.lock();
        if buckets.contains_key(bucket) {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        make_parts(&self.root.join(bucket)).map_err(S3Error::internal_error)?;
        buckets.insert(bucket.to_owned(), Objects::new());
        Ok(())
    }

    /// A directory of an existing bucket.
    pub(super) fn directory(&self, bucket: &str, part: &str) -> S3Result<PathBuf> {
        self.with(bucket, |_| self.root.join(bucket).join(part))
    }

    /// Reads a bucket.
    pub(super) fn with<T>(&self, bucket: &str, look: impl FnOnce(&Objects) -> T) -> S3Result<T> {
        self.lock().get(bucket).map(look).ok_or_else(|| s3_error!(NoSuchBucket))
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> S3Result<Arc<Entry>> {
        self.with(bucket, |objects| objects.get(key).cloned())?.ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// Checks whether a write with `conditions` would succeed now.
    pub(super) fn check(&self, bucket: &str, key: &str, conditions: &Conditions) -> S3Result<()> {
        self.with(bucket, |objects| conditions.hold(objects.get(key)))?
    }

    /// Makes an object visible, after its bytes are stored. Of several writers with `If-None-Match: *` exactly one succeeds.
    pub(super) fn commit(&self, bucket: &str, entry: Entry, conditions: &Conditions) -> S3Result<()> {
        let mut buckets = self.lock();
        let objects = buckets.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        conditions.hold(objects.get(&entry.key))?;
        not_held(objects.get(&entry.key))?;
        let content = serde_json::to_vec(&entry).map_err(S3Error::internal_error)?;
        write_private(&self.index_file(bucket, &entry.key), &content).map_err(S3Error::internal_error)?;
        if let Some(old) = objects.insert(entry.key.clone(), Arc::new(entry)) {
            self.remove_data(bucket, &old);
        }
        Ok(())
    }

    /// Deletes the objects with `prefix` that were written before a time.
    pub(super) fn expire(&self, bucket: &str, prefix: &str, before: Timestamp) -> S3Result<()> {
        let old: Vec<String> = self.with(bucket, |objects| {
            let there = objects.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
            let there = there.take_while(|(key, _)| key.starts_with(prefix));
            there.filter(|(_, entry)| entry.modified < before && !entry.held).map(|(key, _)| key.clone()).collect()
        })?;
        old.iter().try_for_each(|key| self.delete(bucket, key))
    }

    pub(super) fn delete(&self, bucket: &str, key: &str) -> S3Result<()> {
        let mut buckets = self.lock();
        let objects = buckets.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        not_held(objects.get(key))?;
        if let Some(old) = objects.get(key).cloned() {
            std::fs::remove_file(self.index_file(bucket, key)).map_err(S3Error::internal_error)?;
            objects.remove(key);
            self.remove_data(bucket, &old);
        }
        Ok(())
    }

    /// Sets or removes the legal hold of an object.
    pub(super) fn set_hold(&self, bucket: &str, key: &str, held: bool) -> S3Result<()> {
        let mut buckets = self.lock();
        let objects = buckets.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        let entry = objects.get_mut(key).ok_or_else(|| s3_error!(NoSuchKey))?;
        let changed = Entry { held, ..Entry::clone(entry) };
        let content = serde_json::to_vec(&changed).map_err(S3Error::internal_error)?;
        write_private(&self.index_file(bucket, key), &content).map_err(S3Error::internal_error)?;
        *entry = Arc::new(changed);
        Ok(())
    }

    fn remove_data(&self, bucket: &str, entry: &Entry) {
        // A current reader has the file open. The next start removes what cannot be removed now.
        let _ = std::fs::remove_file(self.root.join(bucket).join("data").join(&entry.data));
    }

    fn index_file(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex::encode(Sha256::digest(key.as_bytes()));
        self.root.join(bucket).join("index").join(format!("{name}.json"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Objects>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A version with a legal hold stays. On S3 a write without a version's id makes a new version, or a mark, on top of it; here there is
/// one version only, so that such a write is refused too.
fn not_held(existing: Option<&Arc<Entry>>) -> S3Result<()> {
    if existing.is_some_and(|entry| entry.held) {
        return Err(s3_error!(AccessDenied, "Access Denied because object protected by object lock."));
    }
    Ok(())
}

impl Conditions {
    fn hold(&self, existing: Option<&Arc<Entry>>) -> S3Result<()> {
        let same = |condition: &ETagCondition| {
            existing.is_some_and(|entry| {
                condition.is_any() || condition.as_etag().is_some_and(|etag| etag.value() == entry.etag)
            })
        };
        if self.if_none_match.as_ref().is_some_and(same) || self.if_match.as_ref().is_some_and(|c| !same(c)) {
            return Err(s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold"));
        }
        Ok(())
    }
}

fn make_parts(bucket: &Path) -> io::Result<()> {
    ["data", "uploads", "index"].iter().try_for_each(|part| std::fs::create_dir_all(bucket.join(part)))
}

fn remove_others(directory: &Path, named: &std::collections::BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, named)?;
        } else if !named.contains(&path) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

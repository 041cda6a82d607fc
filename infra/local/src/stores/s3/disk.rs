//! Objects as files: put, get, head.
//!
//! The bytes of key `a/b` lie in `data/a/b~` and eight random digits, readable with any tool; a replaced object gets a
//! new file, so that a reader never sees two halves.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use cotejo::platform::{Clock, Entropy as _, SystemEntropy};
use futures_util::StreamExt as _;
use s3s::{
    S3Error, S3Request, S3Result,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Md5},
    dto::{
        Checksum, ChecksumAlgorithm, CreateBucketInput, CreateBucketOutput, ETag, GetObjectInput, GetObjectOutput,
        HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, PutObjectInput, PutObjectOutput,
        StreamingBlob, Timestamp,
    },
    s3_error,
};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::index::{Attributes, Conditions, Entry, Index};
use crate::template::Expiration;

/// Most bytes read from a file at once.
const CHUNK: u64 = 64 * 1024;

/// The objects under one directory.
pub(super) struct Disk {
    pub(super) index: Index,
    pub(super) clock: Arc<dyn Clock>,
}

/// A stored body, with its computed size and checksums.
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksums: Checksum,
}

/// The checksums that a request's headers promise.
macro_rules! wanted_checksums {
    ($input:expr) => {
        s3s::dto::Checksum {
            checksum_crc32: $input.checksum_crc32,
            checksum_crc32c: $input.checksum_crc32c,
            checksum_crc64nvme: $input.checksum_crc64nvme,
            checksum_sha1: $input.checksum_sha1,
            checksum_sha256: $input.checksum_sha256,
            ..s3s::dto::Checksum::default()
        }
    };
}
pub(super) use wanted_checksums;

impl Disk {
    pub(super) fn open(root: PathBuf, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        Ok(Self { index: Index::open(root)?, clock })
    }

    pub(super) fn expire(&self, bucket: &str, rule: &Expiration) -> S3Result<()> {
        self.index.expire(bucket, &rule.prefix, self.clock.now() - rule.life)
    }

    pub(super) async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<CreateBucketOutput> {
        self.index.create_bucket(&request.input.bucket)?;
        Ok(CreateBucketOutput::default())
    }

    pub(super) async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
        self.index.with(&request.input.bucket, |_| HeadBucketOutput::default())
    }

    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let trailers = request.trailing_headers;
        let announced = request.headers.get("x-amz-trailer").and_then(|name| name.to_str().ok()).map(str::to_owned);
        let mut input = request.input;
        check_key(&input.key)?;
        let conditions = Conditions { if_none_match: input.if_none_match.take(), if_match: input.if_match.take() };
        self.index.check(&input.bucket, &input.key, &conditions)?;

        let mut wanted = wanted_checksums!(input);
        let hasher = hasher(&wanted, input.checksum_algorithm.as_ref(), announced.as_deref());
        let (data, file) = self.new_data(&input.bucket, &input.key)?;
        let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        let received = receive(body, &file, hasher).await?;
        if let Some(trailers) = trailers.and_then(|trailers| trailers.take()) {
            add_promised(&mut wanted, &trailers);
        }
        let verified = verify(&received, &mut wanted, input.content_md5.as_deref(), input.content_length);
        let entry = Entry {
            key: input.key,
            data,
            size: received.size,
            etag: hex::encode(received.md5),
            modified: self.clock.now(),
            attributes: Attributes {
                content_type: input.content_type,
                content_disposition: input.content_disposition,
                content_encoding: input.content_encoding,
                content_language: input.content_language,
                cache_control: input.cache_control,
                metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            },
            checksums: by_name(&received.checksums),
            held: false,
        };
        let etag = entry.etag.clone();
        let committed = verified.and_then(|()| self.index.commit(&input.bucket, entry, &conditions));
        if committed.is_err() {
            // The next start removes the rest.
            let _ = std::fs::remove_file(&file);
        }
        committed?;
        Ok(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_crc32: received.checksums.checksum_crc32,
            checksum_crc32c: received.checksums.checksum_crc32c,
            checksum_crc64nvme: received.checksums.checksum_crc64nvme,
            checksum_sha1: received.checksums.checksum_sha1,
            checksum_sha256: received.checksums.checksum_sha256,
            ..PutObjectOutput::default()
        })
    }

    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let entry = self.index.get(&input.bucket, &input.key)?;
        let range = input.range.map(|range| range.check(entry.size)).transpose()?;
        let mut file = tokio::fs::File::open(self.index.directory(&input.bucket, "data")?.join(&entry.data))
            .await
            .map_err(|_| s3_error!(NoSuchKey))?;
        let (start, end) = range.as_ref().map_or((0, entry.size), |range| (range.start, range.end));
        file.seek(std::io::SeekFrom::Start(start)).await.map_err(S3Error::internal_error)?;
        let head = head(&entry, range.is_none());
        Ok(GetObjectOutput {
            body: Some(stream(file, end - start)),
            content_length: i64::try_from(end - start).ok(),
            content_range: range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, entry.size)),
            content_type: input.response_content_type.or(head.content_type),
            content_disposition: input.response_content_disposition.or(head.content_disposition),
            content_encoding: input.response_content_encoding.or(head.content_encoding),
            content_language: input.response_content_language.or(head.content_language),
            cache_control: input.response_cache_control.or(head.cache_control),
            accept_ranges: head.accept_ranges,
            e_tag: head.e_tag,
            last_modified: head.last_modified,
            metadata: head.metadata,
            checksum_crc32: head.checksum_crc32,
            checksum_crc32c: head.checksum_crc32c,
            checksum_crc64nvme: head.checksum_crc64nvme,
            checksum_sha1: head.checksum_sha1,
            checksum_sha256: head.checksum_sha256,
            ..GetObjectOutput::default()
        })
    }

    pub(super) async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
        let entry = self.index.get(&request.input.bucket, &request.input.key)?;
        Ok(head(&entry, true))
    }

    /// A new file for the bytes of `key`, whose directory exists: its name in the index, and its path.
    pub(super) fn new_data(&self, bucket: &str, key: &str) -> S3Result<(String, PathBuf)> {
        let mut random = [0; 4];
        SystemEntropy.fill(&mut random);
        let data = format!("{key}~{}", hex::encode(random));
        let file = self.index.directory(bucket, "data")?.join(&data);
        let directory = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(directory).map_err(S3Error::internal_error)?;
        Ok((data, file))
    }
}

/// Refuses keys that are not plain paths. S3 accepts them, but Cotejo never makes one.
pub(super) fn check_key(key: &str) -> S3Result<()> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 240;
    if key.split('/').all(plain) && !key.contains(['\0', '\\']) {
        Ok(())
    } else {
        Err(s3_error!(InvalidArgument, "The local store takes keys of plain parts only, each up to 240 bytes"))
    }
}

pub(super) fn hasher(
    wanted: &Checksum,
    algorithm: Option<&ChecksumAlgorithm>,
    trailer: Option<&str>,
) -> ChecksumHasher {
    let asked = |given: bool, name: &str| {
        given
            || algorithm.is_some_and(|algorithm| algorithm.as_str() == name)
            || trailer.is_some_and(|trailer| trailer.eq_ignore_ascii_case(&format!("x-amz-checksum-{name}")))
    };
    ChecksumHasher {
        crc32: asked(wanted.checksum_crc32.is_some(), "CRC32").then(Default::default),
        crc32c: asked(wanted.checksum_crc32c.is_some(), "CRC32C").then(Default::default),
        sha1: asked(wanted.checksum_sha1.is_some(), "SHA1").then(Default::default),
        sha256: asked(wanted.checksum_sha256.is_some(), "SHA256").then(Default::default),
        crc64nvme: asked(wanted.checksum_crc64nvme.is_some(), "CRC64NVME").then(Default::default),
    }
}

fn slots(checksum: &mut Checksum) -> [(&'static str, &mut Option<String>); 5] {
    [
        ("crc32", &mut checksum.checksum_crc32),
        ("crc32c", &mut checksum.checksum_crc32c),
        ("sha1", &mut checksum.checksum_sha1),
        ("sha256", &mut checksum.checksum_sha256),
        ("crc64nvme", &mut checksum.checksum_crc64nvme),
    ]
}

/// The checksums that were computed, by the name of their header without `x-amz-checksum-`.
fn by_name(checksums: &Checksum) -> BTreeMap<String, String> {
    let mut checksums = checksums.clone();
    let named = slots(&mut checksums).into_iter();
    named.filter_map(|(name, value)| Some((name.to_owned(), value.take()?))).collect()
}

/// Adds the checksums that trailing headers promise.
fn add_promised(wanted: &mut Checksum, trailers: &http::HeaderMap) {
    for (name, slot) in slots(wanted) {
        if let Some(value) = trailers.get(format!("x-amz-checksum-{name}")) {
            *slot = value.to_str().ok().map(str::to_owned);
        }
    }
}

/// Stores a body. If the body breaks off, the partial file is removed.
pub(super) async fn receive(mut body: StreamingBlob, file: &Path, mut hasher: ChecksumHasher) -> S3Result<Received> {
    let write = async {
        let mut writer = tokio::fs::File::create(file).await.map_err(S3Error::internal_error)?;
        let mut md5 = Md5::new();
        let mut size = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| s3_error!(IncompleteBody))?;
            md5.update(&chunk);
            hasher.update(&chunk);
            size += chunk.len() as u64;
            writer.write_all(&chunk).await.map_err(S3Error::internal_error)?;
        }
        writer.flush().await.map_err(S3Error::internal_error)?;
        Ok(Received { size, md5: md5.finalize(), checksums: hasher.finalize() })
    };
    let received = write.await;
    if received.is_err() {
        let _ = std::fs::remove_file(file);
    }
    received
}

/// Compares the received body with its announced length and checksums.
pub(super) fn verify(
    received: &Received,
    wanted: &mut Checksum,
    md5: Option<&str>,
    length: Option<i64>,
) -> S3Result<()> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    if md5.is_some_and(|md5| STANDARD.decode(md5).ok().as_deref() != Some(&received.md5[..])) {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received"));
    }
    if length.is_some_and(|length| u64::try_from(length).ok() != Some(received.size)) {
        return Err(s3_error!(IncompleteBody));
    }
    let mut found = received.checksums.clone();
    for ((name, wanted), (_, found)) in slots(wanted).into_iter().zip(slots(&mut found)) {
        if wanted.is_some() && wanted != found {
            return Err(s3_error!(BadDigest, "The {name} you specified did not match what we received"));
        }
    }
    Ok(())
}

fn head(entry: &Entry, whole: bool) -> HeadObjectOutput {
    let attributes = entry.attributes.clone();
    let checksum = |name: &str| entry.checksums.get(name).filter(|_| whole).cloned();
    HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(entry.size).ok(),
        content_type: attributes.content_type.or_else(|| Some("binary/octet-stream".to_owned())),
        content_disposition: attributes.content_disposition,
        content_encoding: attributes.content_encoding,
        content_language: attributes.content_language,
        cache_control: attributes.cache_control,
        e_tag: Some(ETag::Strong(entry.etag.clone())),
        last_modified: Some(Timestamp::from(SystemTime::from(entry.modified))),
        metadata: Some(attributes.metadata.into_iter().collect()),
        checksum_crc32: checksum("crc32"),
        checksum_crc32c: checksum("crc32c"),
        checksum_sha1: checksum("sha1"),
        checksum_sha256: checksum("sha256"),
        checksum_crc64nvme: checksum("crc64nvme"),
        ..HeadObjectOutput::default()
    }
}

fn stream(file: tokio::fs::File, length: u64) -> StreamingBlob {
    StreamingBlob::wrap(futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let mut chunk = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or(0)];
        file.read_exact(&mut chunk).await?;
        let left = left - chunk.len() as u64;
        Ok(Some((Bytes::from(chunk), (file, left))))
    }))
}

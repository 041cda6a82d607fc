//! Multipart uploads: a directory each, with one file for what the writer said and one for each part.

use std::path::PathBuf;

use cotejo::platform::{Entropy as _, SystemEntropy};
use s3s::{
    S3Error, S3Request, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
        ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    disk::{Disk, check_key, hasher, receive, verify, wanted_checksums},
    index::{Attributes, Conditions, Entry},
};
use crate::data::{read_json, write_private};

/// S3's own limit for every part but the last.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Upload {
    key: String,
    attributes: Attributes,
}

impl Disk {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let input = request.input;
        check_key(&input.key)?;
        let id = SystemEntropy.uuid().simple().to_string();
        let directory = self.index.directory(&input.bucket, "uploads")?.join(&id);
        std::fs::create_dir_all(&directory).map_err(S3Error::internal_error)?;
        let upload = Upload {
            key: input.key.clone(),
            attributes: Attributes {
                content_type: input.content_type,
                content_disposition: input.content_disposition,
                content_encoding: input.content_encoding,
                content_language: input.content_language,
                cache_control: input.cache_control,
                metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            },
        };
        let content = serde_json::to_vec(&upload).map_err(S3Error::internal_error)?;
        write_private(&directory.join("upload.json"), &content).map_err(S3Error::internal_error)?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        })
    }

    pub(super) async fn upload_part(&self, request: S3Request<UploadPartInput>) -> S3Result<UploadPartOutput> {
        let input = request.input;
        let (directory, _) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"));
        }
        let mut wanted = wanted_checksums!(input);
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        // Received into another file first: an incomplete part must not replace a complete one.
        let random = SystemEntropy.uuid().simple().to_string();
        let arriving = directory.join(format!("part-{}.{random}", input.part_number));
        let received = receive(body, &arriving, hasher(&wanted, None, None)).await?;
        let verified = verify(&received, &mut wanted, input.content_md5.as_deref(), input.content_length);
        if verified.is_err() {
            // The rest is removed with the upload.
            let _ = std::fs::remove_file(&arriving);
        }
        verified?;
        std::fs::rename(&arriving, directory.join(format!("part-{}", input.part_number)))
            .map_err(S3Error::internal_error)?;
        Ok(UploadPartOutput {
            e_tag: Some(ETag::Strong(hex::encode(received.md5))),
            checksum_sha256: received.checksums.checksum_sha256,
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let mut input = request.input;
        let (directory, upload) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        let conditions = Conditions { if_none_match: input.if_none_match.take(), if_match: input.if_match.take() };
        self.index.check(&input.bucket, &input.key, &conditions)?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        if parts.is_empty() {
            return Err(s3_error!(MalformedXML));
        }
        if !parts.is_sorted_by(|a, b| a.part_number < b.part_number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        let (data, file) = self.new_data(&input.bucket, &input.key)?;
        let mut whole = tokio::fs::File::create(&file).await.map_err(S3Error::internal_error)?;
        let mut all = Md5::new();
        let mut size = 0;
        let last = parts.len() - 1;
        let count = parts.len();
        for (i, part) in parts.into_iter().enumerate() {
            let number = part.part_number.ok_or_else(|| s3_error!(InvalidPart))?;
            let mut reader = tokio::fs::File::open(directory.join(format!("part-{number}")))
                .await
                .map_err(|_| s3_error!(InvalidPart))?;
            let (part_size, md5) = append(&mut reader, &mut whole).await.map_err(S3Error::internal_error)?;
            if part.e_tag.is_some_and(|etag| etag.value() != hex::encode(md5)) {
                return Err(s3_error!(InvalidPart));
            }
            if i < last && part_size < SMALLEST_PART {
                return Err(s3_error!(EntityTooSmall));
            }
            all.update(&md5);
            size += part_size;
        }
        whole.flush().await.map_err(S3Error::internal_error)?;
        let etag = format!("{}-{count}", hex::encode(all.finalize()));
        let entry = Entry {
            key: upload.key,
            data,
            size,
            etag: etag.clone(),
            modified: self.clock.now(),
            attributes: upload.attributes,
            checksums: std::collections::BTreeMap::new(),
            held: false,
        };
        self.index.commit(&input.bucket, entry, &conditions)?;
        // The object exists; an upload that stays behind only takes space.
        let _ = std::fs::remove_dir_all(&directory);
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = request.input;
        let (directory, _) = self.upload(&input.bucket, &input.key, &input.upload_id)?;
        std::fs::remove_dir_all(&directory).map_err(S3Error::internal_error)?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let input = request.input;
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "The local store lists uploads without groups"));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let most = usize::try_from(input.max_uploads.unwrap_or(1000)).unwrap_or(0).min(1000);
        let comes_after_marker = |key: &String, id: &String| match (&input.key_marker, &input.upload_id_marker) {
            (Some(key_marker), Some(id_marker)) => (key, id) > (key_marker, id_marker),
            (Some(key_marker), None) => key > key_marker,
            _ => true,
        };
        let mut found = self.uploads(&input.bucket)?;
        found.retain(|(key, id)| key.starts_with(&prefix) && comes_after_marker(key, id));
        found.sort();
        let truncated = found.len() > most;
        found.truncate(most);
        let (next_key_marker, next_upload_id_marker) = found.last().filter(|_| truncated).cloned().unzip();
        let upload = |(key, id)| MultipartUpload { key: Some(key), upload_id: Some(id), ..MultipartUpload::default() };
        Ok(ListMultipartUploadsOutput {
            uploads: Some(found.into_iter().map(upload).collect()),
            bucket: Some(input.bucket),
            prefix: input.prefix,
            max_uploads: input.max_uploads.or(Some(1000)),
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            is_truncated: Some(truncated),
            next_key_marker,
            next_upload_id_marker,
            ..ListMultipartUploadsOutput::default()
        })
    }

    /// Key and id of every upload.
    fn uploads(&self, bucket: &str) -> S3Result<Vec<(String, String)>> {
        let directory = self.index.directory(bucket, "uploads")?;
        let mut found = Vec::new();
        for upload in std::fs::read_dir(directory).map_err(S3Error::internal_error)? {
            let upload = upload.map_err(S3Error::internal_error)?;
            // An upload may end at this moment.
            let Ok(Some(Upload { key, .. })) = read_json(&upload.path().join("upload.json")) else { continue };
            found.push((key, upload.file_name().to_string_lossy().into_owned()));
        }
        Ok(found)
    }

    fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<(PathBuf, Upload)> {
        // Only an id that this store gave out may become a path.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(s3_error!(NoSuchUpload));
        }
        let directory = self.index.directory(bucket, "uploads")?.join(id);
        let upload: Option<Upload> = read_json(&directory.join("upload.json")).map_err(S3Error::internal_error)?;
        match upload {
            Some(upload) if upload.key == key => Ok((directory, upload)),
            _ => Err(s3_error!(NoSuchUpload)),
        }
    }
}

/// Appends a part to the whole object. Gives the part's size and hash.
async fn append(part: &mut tokio::fs::File, whole: &mut tokio::fs::File) -> std::io::Result<(u64, [u8; 16])> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = part.read(&mut buffer).await?;
        if read == 0 {
            return Ok((size, md5.finalize()));
        }
        md5.update(&buffer[..read]);
        whole.write_all(&buffer[..read]).await?;
        size += read as u64;
    }
}

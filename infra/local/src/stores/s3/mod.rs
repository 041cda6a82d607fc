//! S3 on this machine: the protocol, signatures and presigned links by `s3s`, the objects as files by [`disk`].
//!
//! `s3s-fs`, the usual store under `s3s`, is not used: it limits keys to about 150 bytes (it puts them into a file
//! name), lets a key leave its bucket, refuses `d` beside `d/x`, replaces an object although the checksum failed,
//! lets two writers win with `If-None-Match: *`, and forgets an object's type when it is killed in between.
//!
//! Supported: put, get with ranges, head, delete, list (version 2, and versions), multipart uploads, conditional writes,
//! checksums, presigned links that expire, legal holds. Not supported: more than one version, tags, encryption, ACLs, and
//! lifecycle calls; all but the first fail. The program that runs the schedules calls [`Embedded::expire`] for the
//! template's rules.

mod disk;
mod index;
mod list;
mod upload;
mod versions;

use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};

use aws_sdk_s3::Client;
use cotejo::platform::Clock;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    auth::SimpleAuth,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CreateBucketInput, CreateBucketOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
        GetObjectInput, GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectOutput, HeadBucketInput,
        HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput,
        PutObjectLegalHoldInput, PutObjectLegalHoldOutput, PutObjectOutput, UploadPartInput, UploadPartOutput,
    },
    service::{S3Service, S3ServiceBuilder},
};

use super::StoreError;
use crate::template::Bucket;
use disk::Disk;

/// The S3 server, ready to be served.
#[derive(Clone)]
pub struct Embedded {
    service: S3Service,
    disk: Arc<Disk>,
}

impl Embedded {
    /// Opens the objects under `root`; requests must be signed with the given key.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn open(root: PathBuf, key_id: &str, secret: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let disk = Disk::open(root.clone(), clock).map_err(|error| StoreError::Files {
            store: "S3",
            path: root,
            problem: error.to_string(),
        })?;
        let disk = Arc::new(disk);
        let mut service = S3ServiceBuilder::new(Store(Arc::clone(&disk)));
        service.set_auth(SimpleAuth::from_single(key_id, secret));
        Ok(Self { service: service.build(), disk })
    }

    /// Deletes what a bucket's rules say, as S3 does within a day or two.
    ///
    /// # Errors
    /// A file cannot be deleted.
    pub fn expire(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let expired = bucket.expirations.iter().try_for_each(|rule| self.disk.expire(&bucket.name, rule));
        expired.map_err(|error| StoreError::call(format!("expiring objects of {}", bucket.name), &error))
    }

    pub fn router(&self) -> axum::Router {
        let service = self.service.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| {
            let service = service.clone();
            async move {
                let answer = service.call(request.map(s3s::Body::http_body_unsync)).await;
                answer.map_or_else(failed, |response| response.map(axum::body::Body::new))
            }
        })
    }
}

/// The answer where the S3 server fails.
fn failed(error: s3s::HttpError) -> axum::response::Response {
    tracing::error!(?error, "the S3 server failed");
    let mut response = axum::response::Response::new(axum::body::Body::empty());
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Creates a bucket unless it exists.
///
/// # Errors
/// It cannot be created.
pub async fn ensure_bucket(client: &Client, bucket: &str) -> Result<(), StoreError> {
    if client.head_bucket().bucket(bucket).send().await.is_ok() {
        return Ok(());
    }
    match client.create_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(()),
        // Another process created it first, or its permissions allow use but no HeadBucket.
        Err(error) if error.as_service_error().is_some_and(|error| error.is_bucket_already_owned_by_you()) => Ok(()),
        Err(error) => Err(StoreError::call(format!("CreateBucket {bucket}"), &error)),
    }
}

/// The known operations. Every other one answers `NotImplemented`, the trait's default.
struct Store(Arc<Disk>);

/// Writes one method of the trait as `async_trait` would, handing the request to the method of the same name.
macro_rules! operations {
    ($($name:ident: $input:ty => $output:ty;)*) => {
        impl S3 for Store {
            $(fn $name<'life0, 'async_trait>(
                &'life0 self,
                request: S3Request<$input>,
            ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<$output>>> + Send + 'async_trait>>
            where
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                Box::pin(async move { self.0.$name(request).await.map(S3Response::new) })
            })*
        }
    };
}

operations! {
    create_bucket: CreateBucketInput => CreateBucketOutput;
    head_bucket: HeadBucketInput => HeadBucketOutput;
    put_object: PutObjectInput => PutObjectOutput;
    get_object: GetObjectInput => GetObjectOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    delete_object: DeleteObjectInput => DeleteObjectOutput;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput;
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part: UploadPartInput => UploadPartOutput;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput;
    put_object_legal_hold: PutObjectLegalHoldInput => PutObjectLegalHoldOutput;
    get_object_legal_hold: GetObjectLegalHoldInput => GetObjectLegalHoldOutput;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput;
}

#[cfg(test)]
mod tests;

//! The way of pictures and videos, against a real server on this machine that plays the provider and S3.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bucket;
mod logs;
mod pictures;
mod submitted;
mod video;

use std::{collections::VecDeque, time::Duration};

use aws_sdk_s3::config::{Credentials, Region, retry::RetryConfig};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    copy::Limits,
    scripted_server::{Answer, Request, ScriptedServer},
    *,
};
use crate::{
    common::TenantId,
    objects::{Bucket, BucketError, ObjectKey, samples},
    platform::http::UrlRefused,
    process::{EvidenceKind, ProcessId, certificate::MAX_CERTIFICATE_BYTES},
};

const PROCESS: &str = "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11";

/// A provider, a bucket and the copier between them.
struct Scene {
    server: ScriptedServer,
    bucket: Bucket,
    copier: Copier,
    tenant: TenantId,
    process: ProcessId,
}

impl Scene {
    async fn new() -> Self {
        let server = ScriptedServer::start().await.unwrap();
        let s3 = aws_sdk_s3::Config::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1)))
            .endpoint_url(server.url(""))
            .force_path_style(true)
            .build();
        let bucket = Bucket::new(aws_sdk_s3::Client::from_conf(s3), "bucket".to_owned());
        let copier = Copier::with_limits(bucket.clone(), true, Limits::default());
        Self { server, bucket, copier, tenant: "acme".parse().unwrap(), process: PROCESS.parse().unwrap() }
    }

    fn limited(self, limits: Limits) -> Self {
        Self { copier: Copier::with_limits(self.bucket.clone(), true, limits), ..self }
    }

    async fn copy_all(&self, urls: Vec<String>) -> Vec<Result<Stored, CopyError>> {
        let media = urls.into_iter().zip(1..).map(|(url, attempt)| Media { kind: EvidenceKind::Selfie, attempt, url });
        self.copier.copy_all(&self.tenant, self.process, &[], media.collect()).await
    }

    /// What becomes of a picture that the provider answers so.
    async fn copy(&self, answers: impl Into<VecDeque<Answer>>) -> Result<Stored, CopyError> {
        let url = self.server.answer("/picture", answers);
        self.copy_all(vec![url]).await.remove(0)
    }

    fn sent_to_s3(&self) -> Vec<Request> {
        self.server.requests("/bucket")
    }

    /// What S3 was asked, in order.
    fn operations(&self) -> Vec<&'static str> {
        self.sent_to_s3().iter().filter_map(Request::operation).collect()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

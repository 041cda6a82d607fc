//! `GET /processes/{id}/certificate`: gives out the certificate of a verification.

use cotejo::{
    common::Scope,
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope,
        query::Query,
        response::{see_other, success},
    },
    lambda::HttpFunction,
    workflow::certificate::{FetchCertificate, Given},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    certificate: FetchCertificate,
}

impl HttpFunction for App {
    const NEEDS_KEYS: bool = false;

    fn new(deployment: &Deployment) -> Self {
        Self { gate: Gate::new(&deployment.platform), certificate: FetchCertificate::new(deployment) }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Answers 200 with a link, 303 to it, 200 with the PDF, or 202 while there is none yet.
    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        certificate(self, scope, request).await
    }
}

async fn certificate(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let (&Method::GET, ["processes", id, "certificate"]) = (request.method(), path.as_slice()) else {
        return Err(ApiError::no_route());
    };
    let caller = scope.caller(Scope::ProcessesRead).await?;
    let query = Query::read(request, &["expires_in_min", "redirect", "download"])?;
    let (minutes, redirect, download) = (query.link_minutes()?, query.flag("redirect")?, query.flag("download")?);
    let id = scope.process(id)?;
    match app.certificate.run(&caller, id, minutes, download).await? {
        // A certificate that is too large for an answer is given as a link to be followed.
        Given::Link(url, expires_at) if redirect || download => {
            see_other(&url, &json!({"url": url, "expires_at": expires_at}))
        }
        Given::Link(url, expires_at) => Ok(success(200, &json!({"url": url, "expires_at": expires_at}))),
        Given::Bytes(pdf) => pdf_answer(pdf.to_vec()),
        Given::NotYet(seconds) => {
            let mut response = success(202, &json!({"state": "pending"}));
            response.headers_mut().insert("retry-after", seconds.into());
            Ok(response)
        }
    }
}

fn pdf_answer(pdf: Vec<u8>) -> Result<Response<Body>, ApiError> {
    Response::builder()
        .header("content-type", "application/pdf")
        .header("content-disposition", "attachment; filename=\"certificate.pdf\"")
        .header("cache-control", "no-store")
        .body(Body::Binary(pdf))
        .map_err(|_| ApiError::internal())
}

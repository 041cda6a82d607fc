//! Compares the stored evidence of a process with the originals.

use serde_json::Value;

use super::{
    Verification,
    api::Api,
    hash,
    providers::{CERTIFICATE, Original, Place},
    text,
};
use crate::runtime::Local;

/// A picture, video or certificate: the original, and how Cotejo stores it.
pub(super) struct Piece {
    pub original: Original,
    pub bytes: usize,
    /// Hash of the original, downloaded before the provider's link expired.
    pub sha256: String,
    /// Its path in Cotejo's API, if evidence with that hash is stored.
    pub path: Option<String>,
    /// The status of the provider's link at the end, if there is a link.
    pub link_answers: Option<u16>,
    /// Whether Cotejo's link gave exactly the same bytes at the end.
    pub ours_opens: bool,
}

impl Piece {
    pub(super) fn is_certificate(&self) -> bool {
        self.original.kind == CERTIFICATE
    }

    /// The provider's link to it.
    pub(super) fn link(&self) -> Option<&str> {
        match &self.original.place {
            Place::Link(link) => Some(link),
            Place::Here(_) => None,
        }
    }

    /// Opens both links after the provider's link must have expired.
    pub(super) async fn look_again(&mut self, api: &Api) -> Result<(), String> {
        if let Some(link) = self.link() {
            self.link_answers = Some(api.status(link).await?);
        }
        if let Some(path) = &self.path {
            let bytes = api.kept(path).await?;
            let is_whole = !self.is_certificate() || bytes.starts_with(b"%PDF-");
            self.ours_opens = is_whole && hash(&bytes) == self.sha256;
        }
        Ok(())
    }
}

/// Downloads the originals before their links expire, and finds each in the stored evidence.
pub(super) async fn pieces(api: &Api, local: &Local, verification: &Verification) -> Result<Vec<Piece>, String> {
    let (provider, reference) = (verification.script.provider, text(&verification.process, "provider_reference"));
    let mut pieces = Vec::new();
    for original in provider.originals(api, local, verification.script, &reference).await? {
        let bytes = match &original.place {
            Place::Link(link) => api.download(link).await?.into(),
            Place::Here(bytes) => bytes.clone(),
        };
        let sha256 = hash(&bytes);
        let path = path(&verification.process, original.kind, &sha256);
        pieces.push(Piece { bytes: bytes.len(), sha256, path, original, link_answers: None, ours_opens: false });
    }
    Ok(pieces)
}

/// The API path of the evidence with this hash.
fn path(process: &Value, kind: &str, sha256: &str) -> Option<String> {
    let id = text(process, "id");
    if kind == CERTIFICATE {
        return (process["certificate"]["sha256"] == sha256).then(|| format!("/processes/{id}/certificate"));
    }
    let evidence = stored(process).find(|evidence| evidence["kind"] == kind && evidence["sha256"] == sha256)?;
    Some(format!("/processes/{id}/evidence/{}", text(evidence, "id")))
}

/// The stored pictures and videos of a process. Its other evidence, the raw answer, does not count here.
pub(super) fn stored(process: &Value) -> impl Iterator<Item = &Value> {
    let evidence = process["evidence"].as_array().into_iter().flatten();
    evidence.filter(|evidence| evidence["kind"] != "provider_response" && evidence["state"] == "stored")
}

/// The same in words.
pub(super) fn in_words(process: &Value) -> String {
    let videos = stored(process).filter(|evidence| evidence["kind"] == "video").count();
    let pictures = stored(process).count() - videos;
    match videos {
        0 => format!("{pictures} pictures"),
        _ => format!("{pictures} pictures, {videos} video"),
    }
}

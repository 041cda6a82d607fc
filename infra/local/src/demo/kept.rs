//! What is kept of a process, held against its originals.

use serde_json::Value;

use super::{
    Played,
    api::Api,
    hash,
    providers::{CERTIFICATE, Original, Place},
    text,
};
use crate::runtime::Local;

/// A picture, video or certificate: the original and how it is kept.
pub(super) struct Piece {
    pub original: Original,
    pub bytes: usize,
    /// Of the original, as the provider's link gave it while it lived.
    pub sha256: String,
    /// Where our API gives it, if it is kept with that hash.
    pub path: Option<String>,
    /// What the provider's link answers at the end, where there is one.
    pub link_answers: Option<u16>,
    /// Whether our link gave the very same bytes at the end.
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

    /// Tries both links when the provider's must be dead.
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

/// Finds the originals, opens every link of the provider while it lives, and finds each among what is kept.
pub(super) async fn pieces(api: &Api, local: &Local, played: &Played) -> Result<Vec<Piece>, String> {
    let (provider, reference) = (played.script.provider, text(&played.process, "provider_reference"));
    let mut pieces = Vec::new();
    for original in provider.originals(api, local, played.script, &reference).await? {
        let bytes = match &original.place {
            Place::Link(link) => api.download(link).await?.into(),
            Place::Here(bytes) => bytes.clone(),
        };
        let sha256 = hash(&bytes);
        let path = path(&played.process, original.kind, &sha256);
        pieces.push(Piece { bytes: bytes.len(), sha256, path, original, link_answers: None, ours_opens: false });
    }
    Ok(pieces)
}

/// Where our API gives what is kept with this hash.
fn path(process: &Value, kind: &str, sha256: &str) -> Option<String> {
    let id = text(process, "id");
    if kind == CERTIFICATE {
        return (process["certificate"]["sha256"] == sha256).then(|| format!("/processes/{id}/certificate"));
    }
    let evidence = stored(process).find(|evidence| evidence["kind"] == kind && evidence["sha256"] == sha256)?;
    Some(format!("/processes/{id}/evidence/{}", text(evidence, "id")))
}

/// The pictures and videos of a process that are in our bucket; the provider's raw answer is evidence and neither.
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

//! Pictures that carry a script.

use bytes::Bytes;
use serde::Deserialize;

use super::script;
use crate::errors::UnknownWord;
use crate::pictures;

/// What a picture for LINK shows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LinkPicture {
    Front,
    Back,
    Selfie,
}

/// A picture that carries a script, as [`script::Script::of_picture`] reads it.
pub(crate) fn with_script(kind: LinkPicture, script: &str) -> Result<Bytes, UnknownWord> {
    script::Script::parse(script).map_err(UnknownWord)?;
    let drawing = match kind {
        LinkPicture::Front => pictures::Drawing::CardFront,
        LinkPicture::Back => pictures::Drawing::CardBack,
        LinkPicture::Selfie => pictures::Drawing::Face,
    };
    Ok(pictures::picture(drawing, &format!("{}{script}", script::MARK)))
}

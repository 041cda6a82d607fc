//! Tecalis's scripts: their words say how an authorization ends and which faults happen. The crate's documentation lists all
//! words.

use serde::{Deserialize, Serialize};

use crate::script::{FaultSequence, PictureFault, read_words};
use crate::{pictures, video};

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Outcome {
    #[default]
    Approved,
    Rejected,
    Cancelled,
    ApprovedThenCancelled,
    Never,
}

/// The size of a video that the script says nothing of.
const VIDEO_MEGABYTES: u32 = 3;

/// A script after reading; the table of all words is in the crate's documentation.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Script {
    pub outcome: Outcome,
    /// Whether operations are shown as a list.
    pub array: bool,
    /// Whether such a list has the operation's id where its name should be, and the name in `type`.
    pub named_by_type: bool,
    /// How many of the first queries have a word instead of a picture's link.
    pub odd: u32,
    /// How many of the first queries fail.
    pub query_5xx: u32,
    /// The size of pictures in units of 2^20 bytes; 0 adds no padding.
    pub picture_size: u32,
    pub pictures: FaultSequence<PictureFault>,
    /// The video's size in units of 2^20 bytes; 0 is no video.
    pub video: u32,
    pub video_faults: FaultSequence<PictureFault>,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            outcome: Outcome::default(),
            array: false,
            named_by_type: false,
            odd: 0,
            query_5xx: 0,
            picture_size: 0,
            pictures: FaultSequence::default(),
            video: VIDEO_MEGABYTES,
            video_faults: FaultSequence::default(),
        }
    }
}

impl Script {
    /// Reads a script. The error is the first unknown word.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script::default();
        read_words(text, |name, times| {
            let always = times.unwrap_or(u32::MAX);
            if script.pictures.add(PictureFault::of_picture(name), always).is_some()
                || script.video_faults.add(PictureFault::of_video(name), always).is_some()
            {
                return Some(());
            }
            match name {
                "query-5xx" => script.query_5xx = always,
                "odd" => script.odd = always,
                "picture-size" => script.picture_size = times.filter(|size| pictures::SIZES.contains(size))?,
                "video" => script.video = times.filter(|size| (1..=video::MOST_MEGABYTES).contains(size))?,
                _ if times.is_some() => return None,
                "no-video" => script.video = 0,
                "array" => script.array = true,
                "array-by-type" => (script.array, script.named_by_type) = (true, true),
                "approved" => script.outcome = Outcome::Approved,
                "rejected" => script.outcome = Outcome::Rejected,
                "cancelled" => script.outcome = Outcome::Cancelled,
                "approved-then-cancelled" => script.outcome = Outcome::ApprovedThenCancelled,
                "never" => script.outcome = Outcome::Never,
                _ => return None,
            }
            Some(())
        })?;
        Ok(script)
    }
}

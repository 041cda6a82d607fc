//! What the scripts of several providers share: reading words, and common faults. The crate's documentation lists all words.

use serde::{Deserialize, Serialize};

/// What goes wrong with callbacks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct CallbackFaults {
    /// None is sent.
    pub none: bool,
    pub duplicate: bool,
    pub out_of_order: bool,
    /// All are sent before the first call is answered.
    pub before_answer: bool,
}

impl CallbackFaults {
    /// Adds the fault that a word of the script means, if it means one of these.
    pub fn add(&mut self, word: &str) -> Option<()> {
        match word {
            "no-callback" => self.none = true,
            "duplicate-callback" => self.duplicate = true,
            "out-of-order" => self.out_of_order = true,
            "callback-before-answer" => self.before_answer = true,
            _ => return None,
        }
        Some(())
    }

    /// How often each callback is sent.
    pub fn copies(self) -> usize {
        match self {
            CallbackFaults { none: true, .. } => 0,
            CallbackFaults { duplicate: true, .. } => 3,
            _ => 1,
        }
    }
}

/// The fault in a creation call.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct CreateFaults {
    /// The call fails and does nothing.
    pub fails_before: bool,
    /// The call does its work and fails.
    pub fails_after: bool,
    pub slow: bool,
}

impl CreateFaults {
    /// Adds the fault that a word of the script means, if it means one of these.
    pub fn add(&mut self, word: &str) -> Option<()> {
        match word {
            "create-5xx" => self.fails_before = true,
            "create-5xx-after" => self.fails_after = true,
            "create-slow" => self.slow = true,
            _ => return None,
        }
        Some(())
    }
}

/// What a fault of pictures puts in a picture's place.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum PictureFault {
    CutOff,
    Html,
    WrongType,
    Gone,
}

impl PictureFault {
    /// What a word of the script means, if it is one of a fault of pictures.
    pub fn of_picture(name: &str) -> Option<PictureFault> {
        match name {
            "cut-off" => Some(PictureFault::CutOff),
            "html-picture" => Some(PictureFault::Html),
            "wrong-type" => Some(PictureFault::WrongType),
            "gone" => Some(PictureFault::Gone),
            _ => None,
        }
    }

    /// Likewise, of a fault of the video.
    pub fn of_video(name: &str) -> Option<PictureFault> {
        match name {
            "video-cut-off" => Some(PictureFault::CutOff),
            "video-html" => Some(PictureFault::Html),
            "video-gone" => Some(PictureFault::Gone),
            _ => None,
        }
    }
}

/// Faults in the order written, each with the number of requests (for each picture, where it is about pictures) that
/// it takes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct FaultSequence<F>(Vec<(F, u32)>);

impl<F> Default for FaultSequence<F> {
    fn default() -> FaultSequence<F> {
        FaultSequence(Vec::new())
    }
}

impl<F: Copy> FaultSequence<F> {
    /// Adds a fault behind the others, if there is one.
    pub fn add(&mut self, fault: Option<F>, requests: u32) -> Option<()> {
        self.0.push((fault?, requests));
        Some(())
    }

    /// The fault of a request before which there were `before` others. Several faults follow one another:
    /// `cut-off:1,gone:2` cuts the first download and refuses the next two.
    pub fn after(&self, mut before: u32) -> Option<F> {
        for (fault, requests) in &self.0 {
            if before < *requests {
                return Some(*fault);
            }
            before -= requests;
        }
        None
    }
}

/// The words of a script, each as its name and its number if it has one; blanks around them and empty words do not
/// count. The error is the first word that `add` does not take.
pub(crate) fn read_words(text: &str, mut add: impl FnMut(&str, Option<u32>) -> Option<()>) -> Result<(), String> {
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let taken = match word.split_once(':') {
            Some((name, times)) => times.parse().ok().and_then(|times| add(name, Some(times))),
            None => add(word, None),
        };
        taken.ok_or_else(|| word.to_owned())?;
    }
    Ok(())
}

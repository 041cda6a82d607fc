//! The words with which the creator of a process says how it ends and what goes wrong on the way. The table of all
//! words is in the crate's documentation.

use serde::{Deserialize, Serialize};

use crate::pictures;

/// How a process ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Outcome {
    #[default]
    Approved,
    ApprovedInvalidated,
    SecondAttempt,
    Invalidated,
    Blocked,
    BlockedValidated,
    BlockedValidatedSilent,
    BlockedInvalidated,
    Expired,
    Never,
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
pub(crate) struct InTurn<F>(Vec<(F, u32)>);

impl<F> Default for InTurn<F> {
    fn default() -> InTurn<F> {
        InTurn(Vec::new())
    }
}

impl<F: Copy> InTurn<F> {
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

/// A script after reading.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Script {
    pub outcome: Outcome,
    pub no_callback: bool,
    pub duplicate_callback: bool,
    pub out_of_order: bool,
    pub callback_before_answer: bool,
    pub no_custom: bool,
    pub create_5xx: bool,
    pub create_5xx_after: bool,
    pub create_slow: bool,
    /// The size of pictures in units of 2^20 bytes; 0 is as they are drawn.
    pub picture_size: u32,
    /// How many of the first queries fail.
    pub query_5xx: u32,
    /// How many of the first queries have odd elements.
    pub odd: u32,
    /// Whether all attempts are said to be of one moment.
    pub same_date: bool,
    pub pictures: InTurn<PictureFault>,
}

impl Script {
    /// Reads a script. The error is the first word that means nothing.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script::default();
        read_words(text, |name, times| script.add(name, times))?;
        Ok(script)
    }

    fn add(&mut self, name: &str, times: Option<u32>) -> Option<()> {
        // Without a number a counted fault never ends.
        let always = times.unwrap_or(u32::MAX);
        if self.pictures.add(PictureFault::of_picture(name), always).is_some() {
            return Some(());
        }
        match name {
            "query-5xx" => self.query_5xx = always,
            "odd" => self.odd = always,
            "picture-size" => self.picture_size = times.filter(|size| pictures::SIZES.contains(size))?,
            _ if times.is_some() => return None,
            "approved" => self.outcome = Outcome::Approved,
            "approved-invalidated" => self.outcome = Outcome::ApprovedInvalidated,
            "second-attempt" => self.outcome = Outcome::SecondAttempt,
            "invalidated" => self.outcome = Outcome::Invalidated,
            "blocked" => self.outcome = Outcome::Blocked,
            "blocked-validated" => self.outcome = Outcome::BlockedValidated,
            "blocked-validated-silent" => self.outcome = Outcome::BlockedValidatedSilent,
            "blocked-invalidated" | "rejected" => self.outcome = Outcome::BlockedInvalidated,
            "expired" => self.outcome = Outcome::Expired,
            "never" => self.outcome = Outcome::Never,
            "no-callback" => self.no_callback = true,
            "duplicate-callback" => self.duplicate_callback = true,
            "out-of-order" => self.out_of_order = true,
            "callback-before-answer" => self.callback_before_answer = true,
            "no-custom" => self.no_custom = true,
            "same-date" => self.same_date = true,
            "create-5xx" => self.create_5xx = true,
            "create-5xx-after" => self.create_5xx_after = true,
            "create-slow" => self.create_slow = true,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn words_may_stand_in_any_order_with_blanks_and_the_last_outcome_counts() {
        let script = Script::parse(" no-callback , blocked,query-5xx:2,, second-attempt").unwrap();
        assert!(script.no_callback);
        assert_eq!((script.outcome, script.query_5xx), (Outcome::SecondAttempt, 2));
        assert_eq!(Script::parse("").unwrap(), Script::default());
    }

    #[test]
    fn an_unknown_word_is_named() {
        for word in ["aproved", "cut-off:x", "approved:2", "query-5xx:-1"] {
            assert_eq!(Script::parse(&format!("approved,{word}")), Err(word.to_owned()));
        }
    }

    #[test]
    fn faults_of_pictures_follow_one_another() {
        let script = Script::parse("cut-off:1,gone:2").unwrap();
        let faults: Vec<_> = (0..4).map(|before| script.pictures.after(before)).collect();
        assert_eq!(faults, [Some(PictureFault::CutOff), Some(PictureFault::Gone), Some(PictureFault::Gone), None]);
        assert_eq!(Script::parse("gone").unwrap().pictures.after(1000), Some(PictureFault::Gone));
    }
}

//! Auco's scripts: their words say how a process ends and which faults happen. The crate's documentation lists all words.

use serde::{Deserialize, Serialize};

use crate::pictures;
use crate::script::{CallbackFaults, CreateFaults, FaultSequence, PictureFault, read_words};

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

/// A script after reading.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Script {
    pub outcome: Outcome,
    pub callbacks: CallbackFaults,
    pub create: CreateFaults,
    pub no_custom: bool,
    /// The size of pictures in units of 2^20 bytes; 0 adds no padding.
    pub picture_size: u32,
    /// How many of the first queries fail.
    pub query_5xx: u32,
    /// How many of the first queries have odd elements.
    pub odd: u32,
    /// Whether all attempts have the same time.
    pub same_date: bool,
    pub pictures: FaultSequence<PictureFault>,
}

impl Script {
    /// Reads a script. The error is the first unknown word.
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
            "no-custom" => self.no_custom = true,
            "same-date" => self.same_date = true,
            _ => return self.callbacks.add(name).or_else(|| self.create.add(name)),
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
        assert!(script.callbacks.none);
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

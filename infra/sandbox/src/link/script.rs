//! LINK's scripts: their words say how a verification ends and which faults happen. LINK's requests have no field for a
//! customer's own words, so a script is a comment in the first picture. The crate's documentation lists all words.

use serde::{Deserialize, Serialize};

use crate::pictures;
use crate::script::{CallbackFaults, CreateFaults, FaultSequence, read_words};

/// What a comment with a script begins with.
pub(super) const MARK: &str = "script=";

/// The automatic result.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Automatic {
    #[default]
    Good,
    FaceFails,
    FaceMissing,
    NotCorrect,
    NotProcessed,
    Warning,
    Processing,
    Error,
}

/// The reviewer's result.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Manual {
    #[default]
    Approved,
    NotApproved,
    Rejected,
    NotMatch,
    NotLive,
    SelfieNotLive,
    NoFaceInfo,
    Error,
    Never,
}

/// What stands in the certificate's place.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum CertificateFault {
    Late,
    Html,
    ServerError,
}

impl CertificateFault {
    fn of(name: &str) -> Option<CertificateFault> {
        match name {
            "certificate-late" => Some(CertificateFault::Late),
            "certificate-html" => Some(CertificateFault::Html),
            "certificate-5xx" => Some(CertificateFault::ServerError),
            _ => None,
        }
    }
}

/// A script after reading.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Script {
    pub(super) automatic: Automatic,
    pub(super) manual: Manual,
    /// Whether what is found is told with odd elements.
    pub(super) odd: bool,
    pub(super) callbacks: CallbackFaults,
    pub(super) create: CreateFaults,
    pub(super) refuse_repeat: bool,
    pub(super) token_expires: bool,
    pub(super) certificate_error: bool,
    pub(super) certificate_elsewhere: bool,
    pub(super) certificate: FaultSequence<CertificateFault>,
}

impl Script {
    /// The script that a picture carries; a picture without one says that all goes well. The error is the first word
    /// that means nothing.
    pub fn of_picture(picture: &[u8]) -> Result<Script, String> {
        let comments = pictures::comments(picture);
        let script = comments.into_iter().find_map(|comment| comment.strip_prefix(MARK.as_bytes()));
        Script::parse(&String::from_utf8_lossy(script.unwrap_or_default()))
    }

    /// Reads a script. The error is the first unknown word.
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script::default();
        read_words(text, |name, times| script.add(name, times))?;
        Ok(script)
    }

    fn add(&mut self, name: &str, times: Option<u32>) -> Option<()> {
        // Without a number a counted fault never ends.
        if self.certificate.add(CertificateFault::of(name), times.unwrap_or(u32::MAX)).is_some() {
            return Some(());
        }
        match name {
            _ if times.is_some() => return None,
            "ok" => (self.automatic, self.manual) = (Automatic::Good, Manual::Approved),
            "face-fail" => self.automatic = Automatic::FaceFails,
            "face-missing" => self.automatic = Automatic::FaceMissing,
            "not-correct" => self.automatic = Automatic::NotCorrect,
            "not-processed" => self.automatic = Automatic::NotProcessed,
            "warning" => self.automatic = Automatic::Warning,
            "warning-rejected" => (self.automatic, self.manual) = (Automatic::Warning, Manual::NotApproved),
            "processing" => (self.automatic, self.manual) = (Automatic::Processing, Manual::Never),
            "error" => self.automatic = Automatic::Error,
            "not-approved" => self.manual = Manual::NotApproved,
            "rejected" => self.manual = Manual::Rejected,
            "not-match" => self.manual = Manual::NotMatch,
            "not-live" => self.manual = Manual::NotLive,
            "selfie-not-live" => self.manual = Manual::SelfieNotLive,
            "no-face-info" => self.manual = Manual::NoFaceInfo,
            "manual-error" => self.manual = Manual::Error,
            "odd" => self.odd = true,
            "refuse-repeat" => self.refuse_repeat = true,
            "token-expires" => self.token_expires = true,
            "certificate-error" => self.certificate_error = true,
            "certificate-elsewhere" => self.certificate_elsewhere = true,
            _ => return self.callbacks.add(name).or_else(|| self.create.add(name)),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::pictures::{Drawing, picture};

    #[test]
    fn what_the_machine_and_what_the_reviewer_finds_are_chosen_apart() {
        let script = Script::parse("warning, not-match").unwrap();
        assert_eq!((script.automatic, script.manual), (Automatic::Warning, Manual::NotMatch));
        assert_eq!(Script::parse("error,rejected,ok").unwrap(), Script::default());
        assert_eq!(Script::parse("ok,aproved"), Err("aproved".to_owned()));
        assert_eq!(Script::parse("ok:2"), Err("ok:2".to_owned()));
    }

    #[test]
    fn a_picture_says_its_script_and_any_other_file_says_nothing() {
        let front = picture(Drawing::CardFront, "script=face-fail,certificate-late:2");
        let script = Script::of_picture(&front).unwrap();
        assert_eq!(script.automatic, Automatic::FaceFails);
        assert_eq!(script.certificate.after(1), Some(CertificateFault::Late));
        assert_eq!(script.certificate.after(2), None);
        let others =
            [&picture(Drawing::CardFront, "A/0")[..], b"", b"\xFF\xD8", b"%PDF-1.4 script=error", &front[..20]];
        for other in others {
            assert_eq!(Script::of_picture(other).unwrap(), Script::default());
        }
    }
}

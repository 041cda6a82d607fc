//! Stand-ins for the identity-verification providers: HTTP servers that behave as the providers' documentation says,
//! with people, reviewers and faults that follow a script, so that the local system and its tests meet everything a
//! real provider does. Pictures are drawn by code, links to them really expire, webhooks are really sent and retried.
//!
//! Nothing happens by itself: [`Sandbox::tick`] runs everything that is due at the configured clock's time, and
//! [`Sandbox::next_due`] says when to call it next. A test moves the clock and ticks; a running system ticks in a loop.
//! Random values follow from a seed. The caller binds a port, runs the clock and checks what arrives.
//!
//! Each provider is a folder: `auco`, `link`, `tecalis`. What they share is one file each: `links` (signed URLs), `pictures`,
//! `video`, `downloads`, `script` and `faults` (what goes wrong), `queue`, `deliver` and `webhooks` (sending), `journal`
//! (surviving a restart).
//!
//! # Auco's script
//!
//! The creator of a process chooses its course in `custom.sandbox`, a string of comma-separated words. The default is
//! `approved`. The response to an unknown word is 400 and names it.
//!
//! | outcome | what happens |
//! | --- | --- |
//! | `approved` | one good attempt with three pictures, then APPROVED |
//! | `approved-invalidated` | a good attempt, APPROVED, and later a reviewer says INVALIDATED |
//! | `second-attempt` | an attempt with `errorMessages`, then a good one, then APPROVED |
//! | `invalidated` | one failed attempt, then INVALIDATED at once |
//! | `rejected`, `blocked-invalidated` | three failed attempts, BLOCKED, and the reviewer says INVALIDATED |
//! | `blocked-validated` | BLOCKED, then a webhook VALIDATED, and the query says APPROVED |
//! | `blocked-validated-silent` | BLOCKED, then a webhook VALIDATED, but the query stays BLOCKED for ever |
//! | `blocked` | BLOCKED, without any review |
//! | `expired` | the person never acts: EXPIRED at `expiredDate`, or after [`Times::process_life`]; no webhook |
//! | `never` | stays INPROGRESS, even after that |
//!
//! | fault | what goes wrong |
//! | --- | --- |
//! | `no-callback` | no webhook at all |
//! | `duplicate-callback` | every webhook is sent three times |
//! | `out-of-order` | of two webhooks the later is sent first (the earlier waits for it) |
//! | `callback-before-answer` | everything up to the final state happens, webhooks included, before create answers |
//! | `no-custom` | webhooks come without `custom` |
//! | `create-5xx` | create answers 503 and does nothing |
//! | `create-5xx-after` | create does its work and answers 503 |
//! | `create-slow` | create does its work at once and answers after [`Times::slow`] |
//! | `query-5xx:N` | the first N queries are answered 503 |
//! | `odd:N` | in the first N answers to queries attempts have both spellings of the flag and the similarity as text, and a null and a text stand among them |
//! | `same-date` | all attempts have one `date` |
//! | `cut-off:N` | the connection ends in the middle of the picture |
//! | `html-picture:N` | a page in HTML instead of the picture |
//! | `wrong-type:N` | the right picture, declared as `text/html` |
//! | `gone:N` | 403, though the link is fresh |
//! | `picture-size:N` | every picture is padded to N MB (up to 64); a picture over 10 MB is over every size limit |
//!
//! N counts the queries of the process, or the downloads of each of its pictures; without `:N` the fault never ends.
//! Several faults of pictures follow one another: `cut-off:1,gone:2` cuts the first download and refuses the next two.
//!
//! # LINK's script
//!
//! A request to verify has no field for the customer's own words, so the picture chooses the course: the first picture of
//! the document, if it is one of [`Sandbox::link_picture`]. Any other picture means `ok`. A picture may give different
//! outcomes for the machine and for the review by hand (`warning,not-match`): the same picture, sent again by hand under
//! another id, then takes the second course. The default is success. The response to an unknown word is 400 and names it.
//!
//! | outcome | by machine | by hand, [`Times::reviewer_acts_after`] later |
//! | --- | --- | --- |
//! | `ok` | Ok; with a face its test is OK too | APPROVED; with a face MATCH and LIVE |
//! | `face-fail` | Ok, but the test of the face is FAIL | |
//! | `face-missing` | Ok, without any test of the face that was sent | |
//! | `not-correct` | NotCorrect | |
//! | `not-processed` | NotProcessed, without fields | |
//! | `warning` | Warning: the sides do not belong together | |
//! | `warning-rejected` | Warning, likewise | NOT_APPROVED |
//! | `processing` | Processing for ever, without a certificate | no review |
//! | `odd` | Ok; among the fields are a null and a text, and some without code or with an object as value | APPROVED; reasons and some values have another form |
//! | `error` | the operation is Error, and so is its certification | |
//! | `not-approved` | | NOT_APPROVED for every reason; a face NOT_MATCH and NOT_LIVE |
//! | `rejected` | | the pictures are REJECTED for every reason |
//! | `not-match`, `not-live` | | APPROVED, but the face is not the same, or not alive |
//! | `selfie-not-live` | | APPROVED, but the face is REJECTED as not alive |
//! | `no-face-info` | | APPROVED, without a word on the face that was sent |
//! | `manual-error` | | the operation is Error, and so is its certification |
//!
//! A certificate that was ordered is there, and announced, [`Times::certificate_after`] behind the result. Nothing is
//! known of how often LINK tries a callback again; it is played as at Auco.
//!
//! | fault | what goes wrong |
//! | --- | --- |
//! | `create-5xx` | the first request under an id is answered 500 (code 001) and does nothing |
//! | `create-5xx-after` | the first request does its work and is answered 500 |
//! | `create-slow` | the first request does its work at once and is answered after [`Times::slow`] |
//! | `refuse-repeat` | a request under a known id is answered 400 instead of the same again |
//! | `token-expires` | a token that was used before in any call is refused once |
//! | `no-callback` | no callback at all |
//! | `duplicate-callback` | every callback is sent three times |
//! | `out-of-order` | the certificate is announced before the reviewer's result, which waits for it |
//! | `callback-before-answer` | everything happens, callbacks included, before the first request is answered |
//! | `certificate-late:N` | 404, though it is announced |
//! | `certificate-html:N` | the content is a page in HTML |
//! | `certificate-5xx:N` | 500 |
//! | `certificate-error` | its callback says Error, and there never is one |
//! | `certificate-elsewhere` | its callback names an address that must never be called |
//!
//! N counts the requests for a certificate that is made; without `:N` the fault never ends, and several follow one
//! another.
//!
//! # Tecalis's script
//!
//! A call of the sandbox's own (below) creates an authorization and takes the script. Operations follow one another: proof
//! of life, then the document, each [`Times::person_acts_after`] after the one before.
//!
//! | outcome | what happens |
//! | --- | --- |
//! | `approved` | both operations pass, seven pictures and a video, OK |
//! | `rejected` | the document's machine-readable zone fails, KO |
//! | `cancelled` | called off after the proof of life, CANCELLED |
//! | `approved-then-cancelled` | OK, and [`Times::reviewer_acts_after`] later a reviewer overrides it: CANCELLED |
//! | `never` | the person never acts |
//!
//! The proof of life leaves a video of 3 MB, of N MB (up to 4095) with `video:N`, or none with `no-video`.
//!
//! `query-5xx:N`, `picture-size:N`, `cut-off:N`, `html-picture:N`, `wrong-type:N` and `gone:N` are as at Auco;
//! `video-cut-off:N`, `video-html:N` and `video-gone:N` do the same to the video. With `array` the operations are a list
//! instead of a map; with `array-by-type` one with the operation's id in `operation` and its name in `type`. With `odd:N` a word stands instead of the
//! selfie's link in the first N answers. There are no callbacks, because their form is undocumented.
//!
//! # For people
//!
//! | call | does |
//! | --- | --- |
//! | `POST {base}/_sandbox/faults` | sets [`Faults`]: `{"rate":0.5,"kinds":["ServerError"]}` |
//! | `GET {base}/_sandbox/auco/processes` | lists [`AucoProcessView`]s |
//! | `POST {base}/_sandbox/auco/{code}/act` | does the next step now; with `{"status":"APPROVED"}` (BLOCKED, VALIDATED, INVALIDATED, EXPIRED) that one instead of the script's |
//! | `GET {base}/_sandbox/link/picture?kind=front&script=warning` | a JPEG for LINK that carries the script; `kind` may be `back` or `selfie` |
//! | `GET {base}/_sandbox/link/requests` | lists [`LinkView`]s |
//! | `POST {base}/_sandbox/tecalis/authorizations` | creates an authorization: `{"script":"rejected,array"}` gives `{"auth_uuid"}` |
//! | `GET {base}/_sandbox/tecalis/authorizations` | lists [`TecalisView`]s |

#![cfg_attr(test, allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a test may be a long table"))]

mod auco;
mod link;
mod tecalis;

mod agenda;
mod answers;
mod config;
mod control;
mod deliver;
mod dice;
mod downloads;
mod errors;
mod faults;
mod ids;
mod journal;
mod links;
mod pictures;
mod queue;
mod sandbox;
mod script;
mod state;
mod video;
mod webhooks;

#[cfg(test)]
mod tests;

use axum::Router;
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use crate::auco::process::AucoProcessView;
pub use crate::config::{AucoAccount, LinkAccount, Now, SandboxConfig, Times, Webhook};
pub use crate::errors::{SandboxError, TecalisError, UnknownWord};
pub use crate::faults::{FaultKind, Faults};
pub use crate::link::picture::LinkPicture;
pub use crate::link::request::LinkView;
pub use crate::sandbox::Sandbox;
pub use crate::state::CallCounts;
pub use crate::tecalis::authorization::TecalisView;

impl Sandbox {
    /// The routes of all stand-ins and of the controls for people, below the configured base URL.
    pub fn router(&self) -> Router {
        let providers = auco::router().merge(link::router()).merge(tecalis::router());
        providers.merge(control::router()).with_state(self.clone())
    }

    /// Replaces the customer's webhooks at Auco. Notifications are resolved when they are sent, so those that waited
    /// for a restart go to the new addresses.
    pub fn set_auco_webhooks(&self, webhooks: Vec<Webhook>) {
        self.state().auco_webhooks = webhooks;
    }

    /// Replaces the account at LINK, as when its password was changed. Tokens that were given stay good.
    pub fn set_link_account(&self, account: LinkAccount) {
        self.state().link_account = account;
    }

    /// Replaces the faults that happen by chance.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Carries out everything due now: people act, reviewers decide, processes expire, webhooks are sent and tried
    /// again, including what follows at once from these. Gives the number of steps and tries; 0 means nothing was due.
    /// May run several times at once; nothing is done twice.
    pub async fn tick(&self) -> usize {
        let mut done = 0;
        loop {
            let steps = self.state().act(self.now(), self.inner.dice, &self.inner.links);
            let tries = deliver::deliver_due(self).await;
            if steps + tries == 0 {
                return done;
            }
            done += steps + tries;
        }
    }

    /// When the next thing is due, `None` while nothing is planned. It may lie in the past.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state().next_due()
    }

    /// All of Auco's processes, in the order of their creation.
    pub fn auco_processes(&self) -> Vec<AucoProcessView> {
        self.state().auco_views()
    }

    /// The exact bytes that a faultless download of this picture gives. `attempt` counts from 0, as in `attempts[]`;
    /// `kind` is `identificationCardFront`, `identificationCardBack` or `photo`. `None` where there is no such picture.
    pub fn picture(&self, code: &str, attempt: usize, kind: &str) -> Option<Bytes> {
        let state = self.state();
        let process = state.auco.get(code)?;
        let picture = process.picture(attempt, kind)?;
        Some(picture.pieces().concat().into())
    }

    /// A picture for a request at LINK. The front is the one whose script counts. Equal scripts give equal bytes.
    pub fn link_picture(&self, kind: LinkPicture, script: &str) -> Result<Bytes, UnknownWord> {
        link::picture::with_script(kind, script)
    }

    /// All requests to verify at LINK, in the order in which they first came.
    pub fn link_requests(&self) -> Vec<LinkView> {
        self.state().link_views()
    }

    /// The exact bytes of a request's certificate, `None` as long as it is not made.
    pub fn link_certificate(&self, id: &str) -> Option<Bytes> {
        self.state().link.get(id).and_then(link::certificate_of)
    }

    /// Creates an authorization at Tecalis that goes by `script`, and gives its UUID.
    pub fn tecalis_authorize(&self, script: &str) -> Result<String, TecalisError> {
        tecalis::authorize(self, script)
    }

    /// All of Tecalis's authorizations, in the order of their creation.
    pub fn tecalis_authorizations(&self) -> Vec<TecalisView> {
        self.state().tecalis_views()
    }

    /// The exact bytes that faultless downloads of an authorization's pictures give, by operation, kind and place, as
    /// far as they were taken: `("OCR/temporary/1", …)`. Empty where there is no such authorization.
    pub fn tecalis_pictures(&self, uuid: &str) -> Vec<(String, Bytes)> {
        self.state().tecalis.get(uuid).map(|one| one.pictures()).unwrap_or_default()
    }

    /// Length and SHA-256 of an authorization's video as a faultless download gives it. `None` where there is none (yet).
    pub fn tecalis_video(&self, uuid: &str) -> Option<(u64, [u8; 32])> {
        let pieces = self.state().tecalis.get(uuid)?.video()?;
        let mut hash = Sha256::new();
        let mut length = 0;
        for piece in pieces {
            hash.update(&piece);
            length += piece.len() as u64;
        }
        Some((length, hash.finalize().into()))
    }

    /// The calls received and sent since this sandbox was opened.
    pub fn calls(&self) -> CallCounts {
        self.state().calls
    }
}

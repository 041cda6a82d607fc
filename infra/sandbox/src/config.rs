//! The configuration of a sandbox: address, clock, seed, durations, and the accounts at each provider.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The sandbox's clock. The sandbox never reads the system's clock, so that a test can set the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything [`crate::Sandbox::open`] needs.
pub struct SandboxConfig {
    /// Where the sandbox is reachable, without a slash at the end, e.g. `http://127.0.0.1:9001`. Picture links start
    /// with it. Where it has a path, nest [`crate::Sandbox::router`] under that path.
    pub base_url: String,
    /// The journal that lets the state survive a restart; `None` keeps everything in memory.
    pub state_file: Option<PathBuf>,
    pub now: Now,
    /// All randomness (codes, link signatures, scores, fault dice) follows from this number.
    pub seed: u64,
    /// How long people, reviewers, links and retries take.
    pub times: Times,
    /// The one customer account that Auco knows.
    pub auco: AucoAccount,
    /// The one account that LINK knows.
    pub link: LinkAccount,
    /// The one API key that Tecalis knows.
    pub tecalis_api_key: String,
}

/// How long things take. The default is the real provider's time where it is known.
#[derive(Clone, Debug)]
pub struct Times {
    /// From the creation (or the previous attempt) until the person finishes an attempt. Default 30 s.
    pub person_acts_after: SignedDuration,
    /// From BLOCKED, or from a request to verify by hand, until the reviewer decides. Default 5 min.
    pub reviewer_acts_after: SignedDuration,
    /// From LINK's result until its certificate is there. Default 20 s.
    pub certificate_after: SignedDuration,
    /// Life of a picture link, from the moment of the query. Default 5 min.
    pub link_life: SignedDuration,
    /// Step between webhook tries: the next three follow after one, two and three steps. Default 2 min.
    pub webhook_retry_step: SignedDuration,
    /// From the creation until an unfinished process expires, if no `expiredDate` was given. Default 7 days.
    pub process_life: SignedDuration,
    /// How long one webhook request may take, in real time. Default 10 s.
    pub webhook_timeout: Duration,
    /// How long `create-slow` and [`crate::FaultKind::Hang`] keep the caller waiting, in real time. Default 60 s.
    pub slow: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            person_acts_after: SignedDuration::from_secs(30),
            reviewer_acts_after: SignedDuration::from_mins(5),
            certificate_after: SignedDuration::from_secs(20),
            link_life: SignedDuration::from_mins(5),
            webhook_retry_step: SignedDuration::from_mins(2),
            process_life: SignedDuration::from_hours(7 * 24),
            webhook_timeout: Duration::from_secs(10),
            slow: Duration::from_secs(60),
        }
    }
}

impl Times {
    /// The same durations times `factor` (with 0.01, five minutes become three seconds). A negative factor counts as zero.
    /// `webhook_timeout` stays, since a receiver does not get faster.
    pub fn scaled(&self, factor: f64) -> Times {
        let factor = factor.max(0.0);
        let scale = |time: SignedDuration| SignedDuration::from_millis((time.as_millis_f64() * factor) as i64);
        Times {
            person_acts_after: scale(self.person_acts_after),
            reviewer_acts_after: scale(self.reviewer_acts_after),
            certificate_after: scale(self.certificate_after),
            link_life: scale(self.link_life),
            webhook_retry_step: scale(self.webhook_retry_step),
            process_life: scale(self.process_life),
            webhook_timeout: self.webhook_timeout,
            slow: Duration::from_millis((self.slow.as_secs_f64() * 1000.0 * factor) as u64),
        }
    }
}

/// Adds with saturation at the latest time.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A customer's account at Auco.
#[derive(Clone, Debug)]
pub struct AucoAccount {
    /// `puk_…`: opens the query.
    pub public_key: String,
    /// `prk_…`: opens the creation.
    pub private_key: String,
    /// The customer's webhooks; see [`crate::Sandbox::set_auco_webhooks`] for setting them later.
    pub webhooks: Vec<Webhook>,
}

#[derive(Clone, Debug)]
pub struct LinkAccount {
    pub user: String,
    pub password: String,
    /// Whether bad credentials are answered 401, as the documentation has it in one place, instead of 500 with the code
    /// 003, as it has it in the other.
    pub refuse_with_401: bool,
}

/// One address that the customer asked Auco to notify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The name used in `targetWebhooks`.
    pub id: String,
    /// Where the notifications are posted.
    pub url: String,
    /// Whether it takes the notifications of processes that name no target. The first such webhook counts.
    pub default: bool,
    /// The static header, name and value, that is Auco's only authentication.
    pub header: Option<(String, String)>,
}

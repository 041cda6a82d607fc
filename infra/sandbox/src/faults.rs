//! Random faults of a whole stand-in: a share of all calls fails in one of several ways. Faults of one process are words of its
//! script instead; see [`crate::script`].

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// How many calls fail, and how. The default is none. At LINK a request to verify counts as a creation, every other call
/// as a query.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The share, 0 to 1, of create, query and download calls that fail. The seeded dice decide which.
    pub rate: f64,
    /// What may happen, each equally likely where it fits the call; empty means all that fit.
    pub kinds: Vec<FaultKind>,
}

/// One way for a call to fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum FaultKind {
    /// 500 or 503, and nothing was done.
    ServerError,
    /// Create only: the process exists, but the answer is 503 (at LINK 500).
    ErrorAfterEffect,
    /// Everything is done at once, but the answer comes after [`crate::Times::slow`].
    Hang,
    /// Create and query: 429 with `Retry-After`, and nothing was done.
    RateLimited,
    /// Create and query: 200 with a page in HTML, as from a proxy, and nothing was done.
    NotJson,
    /// Download only: `Content-Length` tells of the whole picture, but the connection ends half way.
    CutOffPicture,
    /// Download only: 200 with a page in HTML, half of them declared as a picture.
    HtmlPicture,
    /// Download only: the right bytes, declared as `text/html`.
    WrongContentType,
    /// Download only: 403, as if the link had expired.
    LinkExpired,
}

/// Kinds of calls that can fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Create,
    Query,
    Download,
}

impl FaultKind {
    const ALL: [FaultKind; 9] = [
        FaultKind::ServerError,
        FaultKind::ErrorAfterEffect,
        FaultKind::Hang,
        FaultKind::RateLimited,
        FaultKind::NotJson,
        FaultKind::CutOffPicture,
        FaultKind::HtmlPicture,
        FaultKind::WrongContentType,
        FaultKind::LinkExpired,
    ];

    fn fits(self, call: Call) -> bool {
        use FaultKind::*;
        match self {
            ServerError | Hang => true,
            ErrorAfterEffect => call == Call::Create,
            RateLimited | NotJson => call != Call::Download,
            CutOffPicture | HtmlPicture | WrongContentType | LinkExpired => call == Call::Download,
        }
    }
}

impl Faults {
    /// What goes wrong with this call, if anything. `label` must name the one call, e.g. code and running number.
    pub(crate) fn roll(&self, dice: Dice, call: Call, label: &str) -> Option<FaultKind> {
        let label = format!("fault {call:?} {label}");
        if self.rate <= 0.0 || dice.fraction(&label) >= self.rate {
            return None;
        }
        let kinds: &[FaultKind] = if self.kinds.is_empty() { &FaultKind::ALL } else { &self.kinds };
        let fitting: Vec<FaultKind> = kinds.iter().copied().filter(|kind| kind.fits(call)).collect();
        fitting.get(dice.pick(&format!("{label} kind"), fitting.len())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_and_every_kind_fits_its_call() {
        let faults = Faults { rate: 0.3, kinds: Vec::new() };
        let rolled: Vec<_> = (0..2000).map(|n| faults.roll(Dice(7), Call::Download, &n.to_string())).collect();
        let failed = rolled.iter().flatten().count();
        assert!((500..700).contains(&failed), "{failed} of 2000");
        assert!(rolled.iter().flatten().all(|kind| kind.fits(Call::Download)));
        assert!(rolled.contains(&Some(FaultKind::CutOffPicture)) && !rolled.contains(&Some(FaultKind::NotJson)));
    }

    #[test]
    fn a_kind_that_does_not_fit_the_call_never_happens() {
        let faults = Faults { rate: 1.0, kinds: vec![FaultKind::HtmlPicture] };
        assert_eq!(faults.roll(Dice(1), Call::Query, "x"), None);
        assert_eq!(faults.roll(Dice(1), Call::Download, "x"), Some(FaultKind::HtmlPicture));
    }
}

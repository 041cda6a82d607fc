//! The fuzz targets: everything that takes what somebody else wrote. None may panic or hang, and what is taken must be what
//! the rest of the system relies on.

#![expect(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a test may be a long table")]

use std::time::Duration;

/// Runs `$check` with the corpus, where there is one, and with inputs made up by chance. A failure prints the seed that
/// repeats it.
macro_rules! fuzz {
    ($check:expr) => {{
        // Whatever panics ends the test, so nobody sees what it left half done.
        let check = std::panic::AssertUnwindSafe($check);
        let target = bolero::check!().with_test_time(crate::SHORT).with_max_len(crate::LONGEST_INPUT);
        target.for_each(move |input: &[u8]| {
            let check: &dyn Fn(&[u8]) = &*check;
            check(input);
        });
    }};
}

mod answers;
mod callbacks;
mod files;
mod gates;

/// How long each target runs where nothing else is said.
const SHORT: Duration = Duration::from_millis(2000);
/// How long an input is at most; six changes of three bytes, and a choice of the sample.
const LONGEST_INPUT: usize = 64;

//! Started by `run-work` for each video: copies it, which may take minutes.
//!
//! Lambda may start it late, twice or never: it copies once for each claim, and a claim that nobody used is made anew.

use cotejo::{
    platform::Platform,
    workflow::long_copy::{CopyLong, Order},
};
use lambda_runtime::Error;

/// What the function needs, built once.
pub struct App {
    copy: CopyLong,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { copy: CopyLong::new(platform) }
    }
}

/// Copies what is ordered.
///
/// # Errors
/// Our own store or bucket; the piece is due again.
pub async fn handle(app: &App, order: Order) -> Result<(), Error> {
    app.copy.run(&order).await?;
    Ok(())
}

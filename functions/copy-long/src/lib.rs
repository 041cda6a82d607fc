//! Started by `run-work` for each video: copies it, which may take minutes.
//!
//! Lambda may start it late, twice or never: it copies once for each claim, and a claim that nobody used is made anew.

use cotejo::{
    deployment::Deployment,
    lambda::{Error, EventFunction},
    workflow::long_copy::{CopyLong, Order},
};

/// What the function needs, built once.
pub struct App {
    copy: CopyLong,
}

impl EventFunction for App {
    type Event = Order;
    type Answer = ();

    fn new(deployment: &Deployment) -> Self {
        Self { copy: CopyLong::new(deployment) }
    }

    /// Copies what is ordered.
    ///
    /// # Errors
    /// Our own store or bucket; the piece is due again.
    async fn handle(&self, order: Order) -> Result<(), Error> {
        self.copy.run(&order).await?;
        Ok(())
    }
}

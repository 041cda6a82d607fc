//! Copies one video, which may take minutes. `run-work` invokes it for each video.
//!
//! Lambda may run an invocation late, twice or never. Each claim is used once, and an unused claim is replaced.

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

    /// Copies the ordered piece.
    ///
    /// # Errors
    /// Cotejo's own table or bucket failed; the piece is due again.
    async fn handle(&self, order: Order) -> Result<(), Error> {
        self.copy.run(&order).await?;
        Ok(())
    }
}

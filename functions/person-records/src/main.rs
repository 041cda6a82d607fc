//! Lambda's entry point.

use cotejo::lambda::{Error, serve_http};
use person_records::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_http::<App>().await
}

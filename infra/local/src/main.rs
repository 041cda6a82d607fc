//! `cargo local`: see [`cotejo_local::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    cotejo_local::program::main()
}

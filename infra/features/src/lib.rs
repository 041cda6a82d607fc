//! No code: the features that `cargo local`, `cargo admin` and the tests together ask of the crates they share.
//!
//! Cargo compiles a crate once for each set of features, and a set depends on what is built. Whoever depends on this crate
//! asks for the union, so that the three, built one after the other, compile each dependency once. The functions do not: what
//! is deployed has the features it needs and no others. `.ci/check_features.py` names what is missing here.

//! No code: the union of the features that `cargo local`, `cargo admin` and the tests ask of the crates they share.
//!
//! Cargo compiles a crate once for each set of features, and the selected packages decide the set. A package that depends on
//! this crate asks for the union. So the three, built one after the other, compile each dependency once. The build
//! dependencies do the same for what build scripts and macros use. The functions do not depend on it: a deployed function has
//! only the features that it needs. `.ci/check_features.py` names what is missing here.

//! That the sweep finds a condition that is weakened on purpose.

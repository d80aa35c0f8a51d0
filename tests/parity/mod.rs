//! Parity: over a matrix of states and bad inputs, what Rust leaves equals what Rails leaves.
//!
//! One file for each extraction, at `parity/<capability>/<action>.rs`; what it says it with is
//! `e2e/two_shops`.

mod catalog;
mod onboarding;

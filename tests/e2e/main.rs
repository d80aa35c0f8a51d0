//! End-to-end: the real shop, real HTTP clients, and Banyan between them.
//!
//! All tests of this binary share one shop, and run in parallel on it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod catalogue;
mod database_down;
mod pages;
mod pass_through;
mod planted_bugs;
mod prometheus;
mod protocols;
mod reload;
mod rolling;
mod shadow_is_free;
mod support;
mod unknowns;

#[path = "../parity/mod.rs"]
mod parity;

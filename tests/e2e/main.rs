//! End-to-end: the real shop, real HTTP clients, and Banyan between them.
//!
//! All tests of this binary share one shop, and run in parallel on it.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cable;
mod candidates;
mod capture;
mod catalogue;
mod chromium;
mod commit;
mod curl;
mod database_down;
mod events;
mod flips;
mod jobs;
mod markup;
mod noise;
mod pages;
mod pass_through;
mod planted;
mod privacy;
mod prometheus;
mod protocols;
mod puma_tls;
mod races;
mod record;
mod reload;
mod replay;
mod replayed_sessions;
mod rolling;
mod sendfile;
mod sessions;
mod shadow_is_free;
mod shopping;
mod stored_sessions;
mod support;
mod two_shops;
mod unknowns;
mod vectors;
mod walk;

#[path = "../parity/mod.rs"]
mod parity;

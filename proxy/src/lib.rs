//! Banyan's data plane: a request comes in, the route table decides, somebody answers.
//!
//! `docs/architecture.md` follows one request through these files.

pub mod admin;
pub mod body;
pub mod commands;
pub mod config;
pub mod dispatch;
pub mod downstream;
pub mod error;
pub mod extraction;
pub mod layers;
pub mod listener;
pub mod logging;
pub mod match_route;
pub mod metrics;
pub mod mirror;
pub mod monolith;
pub mod report;
pub mod route;
pub mod server;
pub mod snapshot;
pub mod spans;
pub mod stack;
pub mod worker;

//! Banyan's data plane: a request comes in, the route table decides, somebody answers.
//!
//! `docs/architecture.md` follows one request through these files.

pub mod accept;
pub mod access_line;
pub mod admin;
pub mod arrival;
pub mod body;
pub mod build;
pub mod commands;
pub mod comparison;
pub mod config;
pub mod dispatch;
pub mod downstream;
pub mod error;
pub mod events;
pub mod extraction;
pub mod forwarded;
pub mod h1;
pub mod h2;
pub mod handover;
pub mod io;
pub mod layers;
pub mod limits;
pub mod listener;
mod listening;
pub mod logging;
pub mod match_route;
pub mod metrics;
pub mod mirror;
pub mod monolith;
pub mod pool;
pub mod proxy_protocol;
pub mod report;
pub mod route;
pub mod sendfile;
pub mod server;
pub mod service_manager;
pub mod snapshot;
pub mod spans;
pub mod stack;
pub mod tls;
pub mod trace_context;
pub mod tunnel;
pub mod upstream;
pub mod verdict;
pub mod visitor;
pub mod worker;

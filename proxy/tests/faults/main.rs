//! Faults and limits in a process of its own: what the buyer sees, what is counted, what the access
//! log says, and what is left afterwards.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod banyan;
mod candidates;
mod client;
mod leaks;
mod limits;
mod names;
mod network;
mod origin;
mod servers;
mod service_manager;
mod streams;

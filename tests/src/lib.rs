//! The whole, with a real Rails shop: the harness, and the buyers that drive it.
//!
//! The demo, the end-to-end tests and the benchmarks all use what is here.

pub mod banyan;
pub mod browser;
pub mod buyers;
pub mod project;
pub mod shop;
pub mod websocket;

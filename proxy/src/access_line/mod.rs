//! The access log's lines: written by the requests' threads into memory, and from there to the
//! log by one thread of its own.
//!
//! A line costs its request an uncontended lock and a copy; no channel, no allocation, no wake-up.
//! `docs/performance.md` says what it cost through `tracing`.

mod clock;
mod lane;
mod line;

pub use self::{
    clock::Clock,
    lane::{AccessLog, FlushGuard, Lane},
    line::Line,
};

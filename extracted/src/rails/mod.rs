//! What must match Rails, usable without the rest of this crate.

pub mod database;
pub mod json;
pub mod query;
pub mod reply;

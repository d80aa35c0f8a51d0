//! Actions of the monolith, answered in Rust.

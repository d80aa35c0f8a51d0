//! Sending something back, and what the back office says to it.

pub mod approve;
pub mod request;
pub mod review;
pub mod show;

//! The layers of the stack, one file each, and the one adapter that makes a layer of an `async fn`.

pub mod access_log;
mod around;
pub mod maintenance;
pub mod refuse;
pub mod request_id;
pub mod trace;

pub use around::{Next, around};

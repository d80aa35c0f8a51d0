//! What buyers are told.

pub mod api_list;
pub mod list;
pub mod read;

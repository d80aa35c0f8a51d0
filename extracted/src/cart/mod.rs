//! What somebody is about to buy.

pub mod add;
pub mod api_add;
pub mod api_remove;
pub mod api_show;
pub mod line;
pub mod show;

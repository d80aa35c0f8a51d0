//! The cart, in pages and in JSON.

mod add;
mod api_add;
mod api_remove;
mod api_show;
mod line;
mod show;

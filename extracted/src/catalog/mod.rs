//! The product catalogue's JSON: `Api::ProductsController`.

pub mod list;
pub mod show;

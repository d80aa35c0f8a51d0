//! `Api::ProductsController` and the two extractions that replace it.

mod list;
mod show;

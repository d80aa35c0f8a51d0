//! `HomeController`, `ProductsController` and `Api::ProductsController`, and the extractions that
//! replace them.

mod browse;
mod home;
mod list;
mod product;
mod show;

//! The product catalogue: the pages of `HomeController` and `ProductsController`, and the JSON of
//! `Api::ProductsController`.

pub mod browse;
pub mod home;
pub mod list;
pub mod product;
pub mod show;

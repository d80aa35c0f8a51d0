//! What several pages show.

pub(crate) mod cart;
pub(crate) mod helpers;
pub(crate) mod layout;
pub(crate) mod product;

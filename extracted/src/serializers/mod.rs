//! What the API shows of a record; the order of the members is part of the API.

mod cart;
mod order;

pub(crate) use cart::cart;
pub(crate) use order::order;

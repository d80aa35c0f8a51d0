//! The monolith's models: their rows, and the rules that stand in their classes.

pub(crate) mod cart;
pub(crate) mod checkout;
pub(crate) mod listing;
pub(crate) mod notification;
pub(crate) mod order;
pub(crate) mod pricing;
pub(crate) mod product;
pub(crate) mod promotion;
pub(crate) mod quantity;
pub(crate) mod registration;
pub(crate) mod returned;
pub(crate) mod user;
pub(crate) mod variant;

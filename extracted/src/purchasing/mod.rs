//! Buying, and what was bought.

pub mod api_checkout;
pub mod api_order;
pub mod checkout;
pub mod order;
pub mod orders;

//! Buying, and what was bought.

mod api_checkout;
mod api_order;
mod checkout;
mod order;
mod orders;

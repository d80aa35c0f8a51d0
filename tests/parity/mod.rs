//! Parity: over a matrix of states and bad inputs, what Rust leaves equals what Rails leaves.
//!
//! One file for each extraction, at `parity/<capability>/<action>.rs`; what it says it with is
//! `e2e/two_shops`.

mod cart;
mod catalog;
mod graphql;
mod notifications;
mod onboarding;
mod promotions;
mod purchasing;
mod returns;

use crate::two_shops::{Scenario, json};

/// Makes the variants of these tests ones that can be bought.
const STOCKED: &str = "UPDATE variants JOIN products ON products.id = product_id \
                       SET stock = 50, deleted_at = NULL WHERE variants.id < 60";

/// Puts a variant into the cart, by Rails.
fn with_line(scenario: Scenario, variant: u32, quantity: u32) -> Scenario {
    let line = format!("{{\"variant_id\":{variant},\"quantity\":{quantity}}}");
    scenario.post("/api/cart/lines", json(&line)).with_api_token().gives(201).declined()
}

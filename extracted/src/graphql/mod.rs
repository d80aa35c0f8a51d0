//! The shop as a graph.

mod cart;
pub mod execute;
mod products;
mod schema;
#[cfg(test)]
mod tests;

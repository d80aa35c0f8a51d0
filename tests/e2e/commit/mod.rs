//! Writes that are extracted, while the database's connection is killed at every statement: no click
//! becomes two orders, no order that a buyer was told of is lost, and everything adds up.

mod bodies;
mod books;
pub(crate) mod buyer;
mod checkout;
mod fallback;
mod locks;
mod misbehaving;
mod monolith;
mod redis_faults;
mod saboteur;

//! HTTP/2: clients are served by hyper, servers are asked through h2, which is below it.
//!
//! What differs from HTTP/1.1 is brought into its terms here, and what a client does to the
//! connection itself is held to limits.

mod answer;
pub mod client;
mod conduct;
pub mod connection;
pub mod connections;
mod delivery;
mod duplex;
mod outgoing;
mod request;
pub mod server;
mod websocket;
mod wire;

pub use self::answer::Answer;

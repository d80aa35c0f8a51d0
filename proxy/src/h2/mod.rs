//! HTTP/2: clients are served by hyper, servers are asked through h2, which is below it.

mod answer;
pub mod client;
pub mod connection;
pub mod connections;
mod duplex;
mod outgoing;
pub mod server;
mod websocket;

pub use self::answer::Answer;

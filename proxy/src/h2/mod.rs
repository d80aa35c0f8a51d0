//! HTTP/2, spoken by hyper; what differs from HTTP/1.1 is brought into its terms here, and what a
//! client does to the connection itself is held to limits.

mod conduct;
mod delivery;
mod request;
pub mod server;
mod wire;

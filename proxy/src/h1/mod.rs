//! HTTP/1.1 on the wire, both sides. hyper speaks HTTP/2; `docs/architecture.md` says why not this.
//!
//! Invariant: a message passes only if it has one reading, and it is written anew, never passed raw.

pub mod answer;
pub mod client;
pub mod connection;
mod date;
pub mod decode;
mod deliver;
pub mod framing;
pub mod head;
pub mod incoming;
mod outgoing;
pub mod scan;
pub mod server;
pub mod write;

//! HTTP/2, spoken by hyper; what differs from HTTP/1.1 is brought into its terms here.

pub mod server;

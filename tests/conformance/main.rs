//! Conformance: raw sockets on both sides of Banyan, and what HTTP asks of a proxy.
//!
//! Each test is a table: all of its cases run, and all that fail are listed at its end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod answers_cut;
mod connections;
mod curl;
mod files;
mod frames_origin;
mod h2_abuse;
mod h2_life;
mod h2_requests;
mod h2_tunnels;
mod h2_wire;
mod limits;
mod listeners;
mod maintenance;
mod message;
mod origin;
mod requests_bodies;
mod requests_expect;
mod requests_framed;
mod requests_passed;
mod requests_refused;
mod reuse;
mod servers;
mod stream_origin;
mod streams;
mod support;
mod timeouts;
mod tls;
mod tls_origin;
mod tls_setup;
mod traces;
mod upgrades;
mod upstreams_gone;
mod upstreams_h2;
mod upstreams_h2_connections;
mod upstreams_h2_websockets;
mod upstreams_named;
mod upstreams_tls;
mod websockets;
mod wire;

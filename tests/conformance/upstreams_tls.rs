//! Servers behind TLS: whom Banyan believes, and whom it does not.

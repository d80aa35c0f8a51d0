//! The whole, with a real Rails shop: harness, buyers, end-to-end tests.

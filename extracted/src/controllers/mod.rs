//! What every action shares: `ApplicationController`, `Api::BaseController` and their concerns.

pub(crate) mod api;
mod current;
pub(crate) mod given;
pub(crate) mod pages;

pub(crate) use current::{current_cart, current_user, keep_cart, lock_cart, sign_in, sign_out};

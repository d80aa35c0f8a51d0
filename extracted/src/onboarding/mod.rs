//! Signing up, in and out.

pub mod login_form;
pub mod logout;
mod view;

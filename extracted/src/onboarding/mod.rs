//! Signing up, in and out.

pub mod login;
pub mod login_form;
pub mod logout;
pub mod session;
pub mod session_create;
pub mod session_destroy;
pub mod signup;
pub mod signup_form;
mod view;

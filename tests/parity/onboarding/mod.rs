//! Signing up, in and out.

mod login;
mod login_form;
mod logout;
mod session;
mod session_create;
mod session_destroy;
mod signup;
mod signup_form;

//! Signing up, in and out.

mod login_form;
mod logout;

//! What must match Rails 6.1, usable without the rest of this crate.

pub mod cable;
pub mod cache;
pub mod column;
pub mod cookie;
pub mod csrf;
pub mod database;
pub mod flash;
pub mod graphql;
pub mod html;
pub mod job;
pub mod json;
pub mod key_generator;
pub mod marshal;
pub mod multipart;
pub mod params;
pub mod password;
pub mod query;
pub mod record;
pub mod response;
pub mod serializer;
pub mod session;
pub mod string;
pub mod url;
pub mod value;
pub mod warden;

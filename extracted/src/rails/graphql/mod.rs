//! GraphQL as the `graphql` gem answers it: its grammar, its validation, and its errors word by word.
//!
//! Clients show these errors to people and match on their `extensions`, so they are reproduced; no
//! library for Rust says what graphql-ruby says. What is rare and hard to say alike is [`Unread`], and
//! left to Rails.
//!
//! Source: graphql 1.13.

mod depth;
mod document;
mod error;
mod lexer;
mod parser;
mod schema;
mod selection;
mod validate;
mod variables;

pub use depth::too_deep;
pub use document::{Document, Field, Operation, OperationKind, Position};
pub use error::{Refused, RequestError, Unread};
pub use parser::parse;
pub use schema::{Argument, FieldType, Input, Object, Schema, SchemaField};
pub use selection::{Given, Selected, Selection};
pub use validate::validate;
pub use variables::Variables;

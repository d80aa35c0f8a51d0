//! The catalogue as JSON; replaces `Api::ProductsController`.

pub mod list;
pub mod show;

use serde_json::Value;

use crate::HandlerError;

/// A column with `serialize …, JSON`.
fn serialized(column: Option<&str>) -> Result<Value, HandlerError> {
    match column {
        None => Ok(Value::Null),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| HandlerError::Database(sqlx::Error::Decode(Box::new(error)))),
    }
}

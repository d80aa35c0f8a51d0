//! Answers of GraphQL (its specification of October 2021, §7.1): data by selection, as any object,
//! and errors by path and code, since their order means nothing and their messages are for people.

use std::hash::{Hash as _, Hasher as _};

use super::{Path, Step, Value, digest::hasher};
use crate::compare::Class;

/// Whether a document is such an answer with errors. Those of other APIs have no `message`.
pub(super) fn has_errors(document: Value<'_>) -> bool {
    let Value::Object(members) = document else { return false };
    let is_error = |it: Value<'_>| matches!(member(it, "message"), Some(Value::String(_)));
    members.iter().all(|(name, _)| matches!(name, "data" | "errors" | "extensions"))
        && matches!(member(document, "errors"), Some(Value::Array(errors))
            if errors.iter().next().is_some() && errors.iter().all(is_error))
}

pub(super) fn is_list_of_errors(path: &Path<'_>) -> bool {
    matches!(path.steps(), [Step::Member("errors")])
}

/// A hash of the error's path and code.
pub(super) fn identity(error: Value<'_>) -> u64 {
    let mut hasher = hasher();
    if let Some(Value::Array(path)) = member(error, "path") {
        for step in path.iter() {
            match step {
                Value::Number(it) | Value::String(it) => it.hash(&mut hasher),
                _ => {}
            }
        }
    }
    let code = member(error, "extensions").and_then(|it| member(it, "code"));
    if let Some(Value::String(code)) = code {
        code.hash(&mut hasher);
    }
    hasher.finish()
}

/// A message, and the place in the query that it is about, are read by people alone.
pub(super) fn class(path: &Path<'_>) -> Class {
    match path.steps() {
        [Step::Member("errors"), Step::Element(_), Step::Member("message" | "locations"), ..] => {
            Class::Cosmetic
        }
        _ => Class::Critical,
    }
}

fn member<'a>(value: Value<'a>, name: &str) -> Option<Value<'a>> {
    let Value::Object(members) = value else { return None };
    members.iter().find(|(it, _)| *it == name).map(|(_, it)| it)
}

//! Answers of GraphQL (its specification of October 2021, §7.1): data by selection, as any object,
//! and errors by path and code, since their order means nothing and their messages are for people.

use std::hash::{Hash as _, Hasher as _};

use super::{Path, Step, Value, digest::hasher};
use crate::compare::Class;

/// Whether a document has the form of such an answer with errors, or of a batch of answers of which one
/// has.
pub(super) fn has_errors(document: Value<'_>) -> bool {
    match document {
        Value::Array(batch) => batch.iter().all(is_answer) && batch.iter().any(lists_errors),
        _ => is_answer(document) && lists_errors(document),
    }
}

fn is_answer(document: Value<'_>) -> bool {
    let Value::Object(members) = document else { return false };
    members.iter().all(|(name, _)| matches!(name, "data" | "errors" | "extensions"))
        && (document.member("data").is_some() || lists_errors(document))
}

fn lists_errors(document: Value<'_>) -> bool {
    let is_error = |it: Value<'_>| matches!(it.member("message"), Some(Value::String(_)));
    matches!(document.member("errors"), Some(Value::Array(errors))
        if errors.iter().next().is_some() && errors.iter().all(is_error))
}

/// Whether a document of that form says by itself that it is one: other APIs list errors with a
/// `message`, too, but without data beside them, and without what GraphQL adds to an error.
pub(super) fn is_evident(document: Value<'_>) -> bool {
    if let Value::Array(batch) = document {
        return batch.iter().any(is_evident);
    }
    let has_more = |it: Value<'_>| {
        matches!(it.member("locations"), Some(Value::Array(_)))
            || matches!(it.member("path"), Some(Value::Array(_)))
            || matches!(it.member("extensions"), Some(Value::Object(_)))
    };
    document.member("data").is_some()
        || matches!(document.member("errors"), Some(Value::Array(errors))
            if errors.iter().any(has_more))
}

pub(super) fn is_list_of_errors(path: &Path<'_>) -> bool {
    matches!(within_answer(path), [Step::Member("errors")])
}

/// Below the answer, where a batch has several.
fn within_answer<'p, 'a>(path: &'p Path<'a>) -> &'p [Step<'a>] {
    let steps = path.steps();
    if let [Step::Element(_), within @ ..] = steps { within } else { steps }
}

/// A hash of the error's path and code.
pub(super) fn identity(error: Value<'_>) -> u64 {
    let mut hasher = hasher();
    if let Some(Value::Array(path)) = error.member("path") {
        for step in path.iter() {
            match step {
                Value::Number(it) | Value::String(it) => it.hash(&mut hasher),
                _ => {}
            }
        }
    }
    let code = error.member("extensions").and_then(|it| it.member("code"));
    if let Some(Value::String(code)) = code {
        code.hash(&mut hasher);
    }
    hasher.finish()
}

/// A message, and the place in the query that it is about, are read by people alone.
pub(super) fn class(path: &Path<'_>) -> Class {
    match within_answer(path) {
        [Step::Member("errors"), Step::Element(_), Step::Member("message" | "locations"), ..] => {
            Class::Cosmetic
        }
        _ => Class::Critical,
    }
}

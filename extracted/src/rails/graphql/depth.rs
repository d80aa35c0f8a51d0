//! `max_depth`: how deeply an operation's fields are nested.
//!
//! Source: graphql 1.13, `analysis/ast/query_depth.rb`.

use super::{
    Document, Operation, RequestError, Unread, Variables, document::Node, selection::included,
};

/// The error of a valid operation that is nested more deeply than `max`.
///
/// # Errors
/// [`Unread`] where a directive's condition is none.
pub fn too_deep(
    document: &Document,
    operation: &Operation,
    variables: &Variables,
    max: usize,
) -> Result<Option<RequestError>, Unread> {
    let depth = depth(document, &operation.selections, variables)?;
    let message = || format!("Query has depth of {depth}, which exceeds max depth of {max}");
    Ok((depth > max).then(|| RequestError::plain(message())))
}

fn depth(document: &Document, nodes: &[Node], variables: &Variables) -> Result<usize, Unread> {
    let mut deepest = 0;
    for node in nodes {
        if !included(node.directives(), variables)? {
            continue;
        }
        let below = |nodes| depth(document, nodes, variables);
        deepest = deepest.max(match node {
            Node::Field(field) => 1 + below(&field.selections)?,
            Node::Inline(inline) => below(&inline.selections)?,
            Node::Spread(spread) => match document.fragment(&spread.name) {
                Some(fragment) => below(&fragment.selections)?,
                None => 0,
            },
        });
    }
    Ok(deepest)
}

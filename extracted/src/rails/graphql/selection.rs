//! Which fields an object is asked for, with what arguments.
//!
//! Source: graphql 1.13, `execution/interpreter/runtime.rb` (`gather_selections`).

use indexmap::IndexMap;

use super::{
    Document, Field, Operation, Unread, Variables,
    document::{Directive, Node, Value},
};

/// What a valid operation asks of one object: a part of the text, and all that is needed to read it.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    document: &'a Document,
    variables: &'a Variables,
    of: Vec<&'a [Node]>,
}

/// A member of the answer.
#[derive(Debug)]
pub struct Selected<'a> {
    /// Its first mention, whose arguments are those of all.
    pub field: &'a Field,
    /// What is asked of its value, by all mentions together.
    pub below: Selection<'a>,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given<T> {
    /// It is left out: the resolver's own default counts.
    Absent,
    /// It is null.
    Null,
    /// It has a value.
    Value(T),
}

impl<'a> Selection<'a> {
    /// What the operation asks of its root.
    pub fn new(document: &'a Document, operation: &'a Operation, variables: &'a Variables) -> Self {
        Self { document, variables, of: vec![&operation.selections] }
    }

    /// The members of the answer in their order, for an object of this type.
    ///
    /// # Errors
    /// [`Unread`] where a directive's condition is none.
    pub fn fields(&self, object: &str) -> Result<Vec<Selected<'a>>, Unread> {
        let mut found: IndexMap<&str, Selected<'a>> = IndexMap::new();
        for nodes in &self.of {
            self.gather(nodes, object, &mut found)?;
        }
        Ok(found.into_values().collect())
    }

    fn gather(
        &self,
        nodes: &'a [Node],
        object: &str,
        found: &mut IndexMap<&'a str, Selected<'a>>,
    ) -> Result<(), Unread> {
        for node in nodes {
            if !included(node.directives(), self.variables)? {
                continue;
            }
            match node {
                Node::Field(field) => {
                    let below = |of| Selection { of, ..self.clone() };
                    let new = || Selected { field, below: below(Vec::new()) };
                    found.entry(field.key()).or_insert_with(new).below.of.push(&field.selections);
                }
                Node::Inline(inline) if inline.on.as_deref().is_none_or(|it| it == object) => {
                    self.gather(&inline.selections, object, found)?;
                }
                Node::Spread(spread) => {
                    let fragment = self.document.fragment(&spread.name);
                    if let Some(fragment) = fragment.filter(|it| it.on == object) {
                        self.gather(&fragment.selections, object, found)?;
                    }
                }
                Node::Inline(_) => {}
            }
        }
        Ok(())
    }

    /// An `ID`, which is a text by then.
    ///
    /// # Errors
    /// [`Unread`] for a value that is none.
    pub fn id(&self, field: &Field, name: &str) -> Result<Given<String>, Unread> {
        self.read(field, name, |value| match value {
            Value::Integer(value) => Some(value.to_string()),
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// An `Int`.
    ///
    /// # Errors
    /// As [`Selection::id`].
    pub fn int(&self, field: &Field, name: &str) -> Result<Given<i32>, Unread> {
        self.read(field, name, |value| match value {
            Value::Integer(value) => i32::try_from(*value).ok(),
            _ => None,
        })
    }

    /// A `String`.
    ///
    /// # Errors
    /// As [`Selection::id`].
    pub fn string(&self, field: &Field, name: &str) -> Result<Given<String>, Unread> {
        self.read(field, name, |value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    fn read<T>(
        &self,
        field: &Field,
        name: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Given<T>, Unread> {
        let Some(argument) = field.arguments.iter().find(|it| it.name == name) else {
            return Ok(Given::Absent);
        };
        match resolved(&argument.value, self.variables) {
            None => Ok(Given::Absent),
            Some(Value::Null) => Ok(Given::Null),
            // Validation misses a variable's type in a fragment that stands before its operation.
            Some(value) => {
                read(value).map(Given::Value).ok_or(Unread("a variable is of another type"))
            }
        }
    }
}

fn resolved<'a>(value: &'a Value, variables: &'a Variables) -> Option<&'a Value> {
    match value {
        Value::Variable { name, .. } => variables.get(name),
        other => Some(other),
    }
}

/// Whether `@skip` and `@include` leave it there.
pub(super) fn included(directives: &[Directive], variables: &Variables) -> Result<bool, Unread> {
    for directive in directives {
        let condition = directive.arguments.iter().find(|it| it.name == "if");
        let condition = condition.and_then(|it| resolved(&it.value, variables));
        let Some(Value::Boolean(condition)) = condition else {
            return Err(Unread("a directive's condition is neither true nor false"));
        };
        if *condition == (directive.name == "skip") {
            return Ok(false);
        }
    }
    Ok(true)
}

//! What a query's text says.

use serde::Serialize;

use super::{error::RequestError, error::quoted};

/// Where something stands. A column counts bytes; both begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// `\r` and `\n` each end a line.
    pub line: u32,
    /// Of its first byte.
    pub column: u32,
}

/// A query's text: operations and fragments, in the order of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(super) definitions: Vec<Definition>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Definition {
    Operation(Operation),
    Fragment(Fragment),
}

/// What is asked for, or to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Of its keyword or brace.
    pub at: Position,
    /// Query, mutation or subscription.
    pub kind: OperationKind,
    /// `None`: anonymous.
    pub name: Option<String>,
    pub(super) variables: Vec<VariableDefinition>,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Node>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// It reads.
    Query,
    /// It writes.
    Mutation,
    /// It waits.
    Subscription,
}

impl OperationKind {
    pub(super) const fn keyword(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fragment {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) on: String,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct VariableDefinition {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) default: Option<Value>,
}

/// A variable's type, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Named(String),
    List(Box<Type>),
    NonNull(Box<Type>),
}

impl Type {
    /// `unwrap`: the name within all brackets.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(of) | Self::NonNull(of) => of.name(),
        }
    }

    pub(super) const fn is_non_null(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::Named(_) => false,
            Self::List(_) => true,
            Self::NonNull(of) => of.is_list(),
        }
    }

    /// `to_type_signature`
    pub(super) fn signature(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::List(of) => format!("[{}]", of.signature()),
            Self::NonNull(of) => format!("{}!", of.signature()),
        }
    }
}

/// One line of a selection.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Field(Field),
    Spread(Spread),
    Inline(Inline),
}

impl Node {
    pub(super) fn directives(&self) -> &[Directive] {
        match self {
            Self::Field(it) => &it.directives,
            Self::Spread(it) => &it.directives,
            Self::Inline(it) => &it.directives,
        }
    }
}

/// A field that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Of its alias, or else its name.
    pub at: Position,
    pub(super) alias: Option<String>,
    /// Its name in the schema.
    pub name: String,
    pub(super) arguments: Vec<GivenArgument>,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Node>,
}

impl Field {
    /// What it is called in the answer.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// `raise GraphQL::ExecutionError, message`, by the resolver of a field of the root.
    pub fn error(&self, message: String) -> RequestError {
        RequestError {
            path: Some(vec![self.key().to_owned()]),
            ..RequestError::at(message, self.at)
        }
    }
}

/// `...Name`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spread {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) directives: Vec<Directive>,
}

/// `... on Type { }`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inline {
    pub(super) at: Position,
    pub(super) on: Option<String>,
    pub(super) directives: Vec<Directive>,
    pub(super) selections: Vec<Node>,
}

/// `@name(…)`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Directive {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) arguments: Vec<GivenArgument>,
}

/// `name: value`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenArgument {
    pub(super) at: Position,
    pub(super) name: String,
    pub(super) value: Value,
}

/// A value in the text. Lists and objects are not read here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Variable { at: Position, name: String },
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Enum(String),
}

impl Value {
    /// As the gem prints it in errors; `None` where only Ruby knows how.
    pub(super) fn printed(&self) -> Option<String> {
        Some(match self {
            Self::Variable { name, .. } => format!("${name}"),
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => crate::rails::json::float_to_s(*value),
            Self::Text(text) => quoted(text)?,
            Self::Enum(name) => name.clone(),
        })
    }
}

impl Document {
    pub(super) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.definitions.iter().filter_map(|it| match it {
            Definition::Operation(it) => Some(it),
            Definition::Fragment(_) => None,
        })
    }

    pub(super) fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.definitions.iter().filter_map(|it| match it {
            Definition::Fragment(it) => Some(it),
            Definition::Operation(_) => None,
        })
    }

    pub(super) fn fragment(&self, name: &str) -> Option<&Fragment> {
        self.fragments().find(|it| it.name == name)
    }

    /// The operation to run: of this name, or the only one.
    ///
    /// # Errors
    /// What the gem says when there is none.
    pub fn operation(&self, name: Option<&str>) -> Result<&Operation, Box<RequestError>> {
        let mut all = self.operations();
        if let (None, Some(first), None) = (name, all.next(), all.next()) {
            return Ok(first);
        }
        self.operations().find(|it| it.name.as_deref() == name).ok_or_else(|| {
            Box::new(RequestError::plain(match name {
                None => "An operation name is required".to_owned(),
                Some(name) => format!("No operation named \"{name}\""),
            }))
        })
    }
}

//! Whether a document fits the schema, and what the gem says where it does not.
//!
//! Source: graphql 1.13, `static_validation/**`. The rules are the methods of its one visitor, each
//! calling the next; here they stand in that order.

mod arguments;
mod fragments;
mod plain;
mod usages;

use serde_json::json;

use self::{arguments::Owner, usages::Usages};
use super::{
    Document, Field, FieldType, Object, Operation, OperationKind, Position, RequestError, Schema,
    Unread,
    document::{Definition, Directive, Fragment, Node, Value, VariableDefinition},
    schema::IF,
};

/// What is wrong with a document; nothing, where it can be executed.
///
/// # Errors
/// [`Unread`] where the gem would say something that is not reproduced here.
pub fn validate(schema: &Schema, document: &Document) -> Result<Vec<RequestError>, Unread> {
    plain::check(document)?;
    let mut validator = Validator {
        schema,
        document,
        path: Vec::new(),
        errors: Vec::new(),
        declared: &[],
        usages: Usages::default(),
        spreads: Vec::new(),
    };
    for definition in &document.definitions {
        match definition {
            Definition::Operation(operation) => validator.operation(operation)?,
            Definition::Fragment(fragment) => validator.fragment(fragment)?,
        }
    }
    validator.usages();
    validator.possible_spreads();
    validator.used_fragments()?;
    Ok(validator.errors)
}

struct Validator<'a> {
    schema: &'a Schema,
    document: &'a Document,
    path: Vec<String>,
    errors: Vec<RequestError>,
    /// The variables of the operation that was visited last.
    declared: &'a [VariableDefinition],
    usages: Usages<'a>,
    spreads: Vec<fragments::Seen<'a>>,
}

impl<'a> Validator<'a> {
    fn error(&mut self, message: String, at: Position, extensions: serde_json::Value) {
        let error = RequestError {
            path: Some(self.path.clone()),
            extensions: Some(extensions),
            ..RequestError::at(message, at)
        };
        self.errors.push(error);
    }

    fn operation(&mut self, operation: &'a Operation) -> Result<(), Unread> {
        let root = match operation.kind {
            OperationKind::Query => self.schema.query,
            OperationKind::Mutation => self.schema.mutation,
            OperationKind::Subscription => return Err(Unread("a query subscribes")),
        };
        let keyword = operation.kind.keyword();
        let name = operation.name.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        self.path.push(format!("{keyword}{name}"));
        if operation.selections.is_empty() {
            let node = "anonymous query";
            self.selections_missing(operation.at, node, "", root.name);
        } else {
            self.declared = &operation.variables;
            self.usages.enter(operation.name.as_deref(), Some(operation), &self.path);
            for variable in &operation.variables {
                self.variable(variable)?;
            }
            self.selections(&operation.selections, root)?;
        }
        self.path.pop();
        Ok(())
    }

    fn fragment(&mut self, fragment: &'a Fragment) -> Result<(), Unread> {
        self.path.push(format!("fragment {}", fragment.name));
        if let Some(object) = self.condition(&fragment.on, fragment.at)? {
            self.usages.enter(Some(&fragment.name), None, &self.path);
            self.selections(&fragment.selections, object)?;
        } else if self.document.fragments().count() > 1 {
            return Err(Unread("one of several fragments is of a type that is not known"));
        }
        self.path.pop();
        Ok(())
    }

    /// `VariablesAreInputTypes` and `VariableDefaultValuesAreCorrectlyTyped`.
    fn variable(&mut self, variable: &VariableDefinition) -> Result<(), Unread> {
        let name = variable.kind.name();
        if name.starts_with("__") {
            return Err(Unread("a variable is of a type of the introspection"));
        }
        let what = match (self.schema.has_scalar(name), self.schema.object(name)) {
            (true, _) => None,
            (false, Some(_)) => Some("valid"),
            (false, None) => Some("defined"),
        };
        if let Some(what) = what {
            let message = format!("{name} isn't a {what} input type (on ${})", variable.name);
            let extensions = json!({
                "code": "variableRequiresValidType",
                "typeName": name,
                "variableName": variable.name,
            });
            self.error(message, variable.at, extensions);
        }
        let Some(default) = &variable.default else { return Ok(()) };
        let input = super::Input::named(name).filter(|_| !variable.kind.is_list());
        let fits = *default == Value::Null || input.is_some_and(|it| it.takes(default));
        if variable.kind.is_non_null() || !fits {
            return Err(Unread("a variable's default is of another type, or never used"));
        }
        Ok(())
    }

    fn selections(&mut self, nodes: &'a [Node], object: &'static Object) -> Result<(), Unread> {
        for node in nodes {
            match node {
                Node::Field(field) => {
                    self.path.push(field.key().to_owned());
                    self.field(field, object)?;
                    self.path.pop();
                }
                Node::Inline(inline) => self.inline(inline, object)?,
                Node::Spread(spread) => self.spread(spread, object)?,
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &'a Field, object: &'static Object) -> Result<(), Unread> {
        if field.name.starts_with("__") && field.name != "__typename" {
            return Err(Unread("a query asks for the schema"));
        }
        let Some(definition) = object.field(&field.name) else {
            let message = format!("Field '{}' doesn't exist on type '{}'", field.name, object.name);
            let extensions = json!({
                "code": "undefinedField",
                "typeName": object.name,
                "fieldName": field.name,
            });
            self.error(message, field.at, extensions);
            return Ok(());
        };
        let below = match definition.returns {
            FieldType::Scalar(name) if !field.selections.is_empty() => {
                return self.selections_on_scalar(field, name);
            }
            FieldType::Object(name) if field.selections.is_empty() => {
                let node = format!("field '{}'", field.name);
                self.selections_missing(field.at, &node, &field.name, name);
                return Ok(());
            }
            FieldType::Scalar(_) => None,
            FieldType::Object(name) => self.schema.object(name),
        };
        let owner = Owner::field(field, definition);
        self.arguments(&owner, &field.arguments)?;
        if let Some(below) = below {
            self.selections(&field.selections, below)?;
        }
        self.directives(&field.directives)
    }

    fn directives(&mut self, directives: &'a [Directive]) -> Result<(), Unread> {
        for directive in directives {
            let owner = Owner::directive(directive, &[IF]);
            self.arguments(&owner, &directive.arguments)?;
        }
        Ok(())
    }

    fn selections_missing(&mut self, at: Position, node: &str, name: &str, returns: &str) {
        let message = format!(
            "Field must have selections ({node} returns {returns} but has no selections. \
             Did you mean '{name} {{ ... }}'?)"
        );
        let extensions =
            json!({ "code": "selectionMismatch", "nodeName": node, "typeName": returns });
        self.error(message, at, extensions);
    }

    fn selections_on_scalar(&mut self, field: &Field, returns: &str) -> Result<(), Unread> {
        let names = field.selections.iter().map(|it| match it {
            Node::Field(it) => Some(it.name.as_str()),
            Node::Spread(it) => Some(it.name.as_str()),
            Node::Inline(_) => None,
        });
        let names: Option<Vec<_>> = names.collect();
        let names = names.ok_or(Unread("a scalar has inline fragments"))?.join(", ");
        let node = format!("field '{}'", field.name);
        let message = format!(
            "Selections can't be made on scalars ({node} returns {returns} but has selections [{names}])"
        );
        let extensions =
            json!({ "code": "selectionMismatch", "nodeName": node, "typeName": returns });
        self.error(message, field.at, extensions);
        Ok(())
    }
}

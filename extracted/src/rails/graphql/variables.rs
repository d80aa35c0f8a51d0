//! The values of an operation's variables.
//!
//! Source: graphql 1.13, `query/variables.rb`, `query/variable_validation_error.rb` and `types/*.rb`.

use std::collections::HashMap;

use serde_json::json;

use super::{
    Operation, RequestError, Unread,
    document::{Value, VariableDefinition},
    schema::Input,
};
use crate::rails::{
    json,
    params::{Param, Params},
};

/// The values of an operation's variables, by name. One that was neither given nor has a default is
/// not there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(HashMap<String, Value>);

impl Variables {
    /// What was given for the variables of a valid operation, or what is wrong with it.
    ///
    /// # Errors
    /// [`Unread`] for kinds of values that no variable of ours holds.
    pub fn read(
        operation: &Operation,
        given: &Params,
    ) -> Result<Result<Self, Vec<RequestError>>, Unread> {
        let mut values = HashMap::new();
        let mut errors = Vec::new();
        for variable in &operation.variables {
            let provided = given.get(&variable.name);
            let value = provided.map(value).transpose()?;
            if let Some(why) = problem(variable, value.as_ref())? {
                errors.push(invalid(variable, provided, &why));
            } else if let Some(value) = value.or_else(|| variable.default.clone()) {
                values.insert(variable.name.clone(), value);
            }
        }
        Ok(if errors.is_empty() { Ok(Self(values)) } else { Err(errors) })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

fn value(param: &Param) -> Result<Value, Unread> {
    Ok(match param {
        Param::Nil => Value::Null,
        Param::Bool(value) => Value::Boolean(*value),
        Param::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Value::Integer(value),
            (None, Some(value)) if number.is_f64() => Value::Float(value),
            _ => return Err(Unread("a variable's number is large")),
        },
        Param::Text(text) => Value::Text(text.clone()),
        Param::File(_) | Param::Array(_) | Param::Hash(_) => {
            return Err(Unread("a variable is a list, an object or a file"));
        }
    })
}

/// `validate_input`
fn problem(variable: &VariableDefinition, value: Option<&Value>) -> Result<Option<String>, Unread> {
    // Lists are given to no field, which validation has said.
    let input = Input::named(variable.kind.name()).filter(|_| !variable.kind.is_list());
    let input = input.ok_or(Unread("a variable's type is given to no field"))?;
    Ok(match value {
        None | Some(Value::Null) if variable.kind.is_non_null() => {
            Some("Expected value to not be null".to_owned())
        }
        None | Some(Value::Null) => None,
        Some(value) if input.takes(value) => None,
        Some(value) => {
            let shown = match value {
                Value::Text(text) => json::generate(text)
                    .map_err(|_| Unread("a variable's text has no form in JSON"))?,
                other => other.printed().unwrap_or_default(),
            };
            Some(format!("Could not coerce value {shown} to {}", input.name()))
        }
    })
}

fn invalid(variable: &VariableDefinition, provided: Option<&Param>, why: &str) -> RequestError {
    let message = format!(
        "Variable ${} of type {} was provided invalid value",
        variable.name,
        variable.kind.signature()
    );
    let extensions = json!({
        "value": provided,
        "problems": [{ "path": [], "explanation": why }],
    });
    RequestError { extensions: Some(extensions), ..RequestError::at(message, variable.at) }
}

impl Input {
    /// Whether `coerce_input` makes something of it.
    pub(super) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Boolean, Value::Boolean(_))
            | (Self::Id, Value::Integer(_) | Value::Text(_))
            | (Self::String, Value::Text(_)) => true,
            (Self::Int, Value::Integer(value)) => i32::try_from(*value).is_ok(),
            _ => false,
        }
    }
}

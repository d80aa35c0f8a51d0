//! The arguments of fields and directives.

use serde_json::json;

use super::{
    super::{
        Argument, Field, Position, SchemaField, Unread,
        document::{Directive, GivenArgument, Type, Value},
    },
    Validator,
};

/// What takes arguments.
pub(super) struct Owner<'a> {
    class: &'static str,
    name: &'a str,
    /// Of a field its alias.
    shown: &'a str,
    at: Position,
    accepts: &'a [Argument],
}

impl<'a> Owner<'a> {
    pub(super) fn field(field: &'a Field, definition: &'a SchemaField) -> Self {
        let (name, shown, at) = (&field.name, field.key(), field.at);
        Self { class: "Field", name, shown, at, accepts: definition.arguments }
    }

    pub(super) fn directive(directive: &'a Directive, accepts: &'a [Argument]) -> Self {
        let (name, at) = (&directive.name, directive.at);
        Self { class: "Directive", name, shown: name, at, accepts }
    }
}

impl<'a> Validator<'a> {
    /// `RequiredArgumentsArePresent`, then each argument.
    pub(super) fn arguments(
        &mut self,
        owner: &Owner<'_>,
        given: &'a [GivenArgument],
    ) -> Result<(), Unread> {
        let missing = owner.accepts.iter().filter(|it| it.required).map(|it| it.name);
        let missing = missing.filter(|name| given.iter().all(|it| it.name != *name));
        let missing = missing.collect::<Vec<_>>().join(", ");
        if !missing.is_empty() {
            let Owner { class, name, .. } = owner;
            let message = format!("{class} '{name}' is missing required arguments: {missing}");
            let extensions = json!({
                "code": "missingRequiredArguments",
                "className": class,
                "name": name,
                "arguments": missing,
            });
            self.error(message, owner.at, extensions);
        }
        for argument in given {
            self.path.push(argument.name.clone());
            match owner.accepts.iter().find(|it| it.name == argument.name) {
                Some(accepted) => self.argument(owner, accepted, argument)?,
                None => self.not_accepted(owner, argument),
            }
            self.path.pop();
        }
        Ok(())
    }

    /// `ArgumentsAreDefined`
    fn not_accepted(&mut self, owner: &Owner<'_>, argument: &GivenArgument) {
        let Owner { class, shown, .. } = owner;
        let message = format!("{class} '{shown}' doesn't accept argument '{}'", argument.name);
        let extensions = json!({
            "code": "argumentNotAccepted",
            "name": shown,
            "typeName": class,
            "argumentName": argument.name,
        });
        self.error(message, argument.at, extensions);
    }

    fn argument(
        &mut self,
        owner: &Owner<'_>,
        accepted: &Argument,
        argument: &'a GivenArgument,
    ) -> Result<(), Unread> {
        if let Value::Variable { at, name } = &argument.value {
            self.variable_fits(name, accepted, argument);
            self.usages.used(name, *at, &self.path);
            return Ok(());
        }
        // `ArgumentLiteralsAreCompatible`. What has been said at this path is not said again.
        let said =
            |path: &Option<Vec<String>>| path.as_ref().is_some_and(|it| it.starts_with(&self.path));
        let fits = match &argument.value {
            Value::Null => !accepted.required,
            value => accepted.input.takes(value),
        };
        if fits || self.errors.iter().any(|it| said(&it.path)) {
            return Ok(());
        }
        let Owner { class, shown, .. } = owner;
        let printed = argument.value.printed();
        let printed = printed.ok_or(Unread("a wrong argument has unusual characters"))?;
        let message = format!(
            "Argument '{}' on {class} '{shown}' has an invalid value ({printed}). Expected type '{}'.",
            argument.name,
            accepted.signature()
        );
        let extensions = json!({
            "code": "argumentLiteralsIncompatible",
            "typeName": class,
            "argumentName": argument.name,
        });
        self.error(message, owner.at, extensions);
        Ok(())
    }

    /// `VariableUsagesAreAllowed`
    fn variable_fits(&mut self, name: &str, accepted: &Argument, argument: &GivenArgument) {
        let Some(variable) = self.declared.iter().rfind(|it| it.name == name) else { return };
        let kind = &variable.kind;
        let known = |name| self.schema.has_scalar(name) || self.schema.object(name).is_some();
        if !known(kind.name()) {
            return;
        }
        // What has a default is never null, as far as this rule goes.
        let kind = if variable.default.is_some() && !kind.is_non_null() {
            Type::NonNull(Box::new(kind.clone()))
        } else {
            kind.clone()
        };
        let why = if kind.name() != accepted.input.name() {
            "Type mismatch"
        } else if kind.is_list() {
            "List dimension mismatch"
        } else if accepted.required && !kind.is_non_null() {
            "Nullability mismatch"
        } else {
            return;
        };
        let signature = kind.signature();
        let message = format!(
            "{why} on variable ${name} and argument {} ({signature} / {})",
            argument.name,
            accepted.signature()
        );
        let extensions = json!({
            "code": "variableMismatch",
            "variableName": name,
            "typeName": signature,
            "argumentName": argument.name,
            "errorMessage": why,
        });
        self.error(message, argument.at, extensions);
    }
}

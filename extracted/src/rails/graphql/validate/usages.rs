//! Which variables are declared, and which are used, also by fragments.
//!
//! Source: graphql 1.13, `static_validation/rules/variables_are_used_and_defined.rb`.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::json;

use super::{
    super::{Operation, Position, RequestError},
    Validator,
};

/// Of each operation and fragment that was visited.
#[derive(Debug, Default)]
pub(super) struct Usages<'a>(Vec<Scope<'a>>);

/// An operation or a fragment.
#[derive(Debug)]
struct Scope<'a> {
    name: Option<&'a str>,
    /// `None`: a fragment.
    operation: Option<&'a Operation>,
    path: Vec<String>,
    variables: IndexMap<&'a str, Usage<'a>>,
    spreads: Vec<&'a str>,
}

#[derive(Debug, Clone, Default)]
struct Usage<'a> {
    is_declared: bool,
    used: Option<Used<'a>>,
}

/// The last usage.
#[derive(Debug, Clone)]
struct Used<'a> {
    by: Option<&'a str>,
    at: Position,
    path: Vec<String>,
}

impl<'a> Usages<'a> {
    pub(super) fn enter(
        &mut self,
        name: Option<&'a str>,
        operation: Option<&'a Operation>,
        path: &[String],
    ) {
        let declared = operation.into_iter().flat_map(|it| &it.variables);
        let declared =
            declared.map(|it| (it.name.as_str(), Usage { is_declared: true, ..Usage::default() }));
        let variables = declared.collect();
        let path = path.to_vec();
        self.0.push(Scope { name, operation, path, variables, spreads: Vec::new() });
    }

    pub(super) fn used(&mut self, name: &'a str, at: Position, path: &[String]) {
        let Some(scope) = self.0.last_mut() else { return };
        let used = Used { by: scope.name, at, path: path.to_vec() };
        scope.variables.entry(name).or_default().used = Some(used);
    }

    pub(super) fn spread(&mut self, name: &'a str) {
        if let Some(scope) = self.0.last_mut() {
            scope.spreads.push(name);
        }
    }

    fn fragment(&self, name: &str) -> Option<&Scope<'a>> {
        self.0.iter().find(|it| it.operation.is_none() && it.name == Some(name))
    }

    /// `follow_spreads`: the fragments in the order in which it reads them; one may come twice.
    fn followed(
        &self,
        scope: &Scope<'a>,
        visited: &mut HashSet<&'a str>,
        sequence: &mut Vec<&'a str>,
    ) {
        let new: Vec<_> = scope.spreads.iter().filter(|it| !visited.contains(*it)).collect();
        for name in new {
            if let Some(fragment) = self.fragment(name) {
                visited.insert(name);
                sequence.push(name);
                self.followed(fragment, visited, sequence);
            }
        }
    }

    /// The fragments that operations spread.
    pub(super) fn reachable(&self) -> HashSet<&'a str> {
        let mut reachable = HashSet::new();
        for operation in self.0.iter().filter(|it| it.operation.is_some()) {
            let mut visited = HashSet::new();
            self.followed(operation, &mut visited, &mut Vec::new());
            reachable.extend(visited);
            // Also those that are not visited, since their type is not known.
            reachable.extend(&operation.spreads);
        }
        reachable
    }
}

impl Validator<'_> {
    /// `VariablesAreUsedAndDefined`
    pub(super) fn usages(&mut self) {
        for scope in &self.usages.0 {
            let Some(operation) = scope.operation else { continue };
            let mut variables = scope.variables.clone();
            let mut followed = Vec::new();
            self.usages.followed(scope, &mut HashSet::new(), &mut followed);
            let fragments = followed.iter().filter_map(|it| self.usages.fragment(it));
            for (name, usage) in fragments.flat_map(|it| &it.variables) {
                variables.entry(name).or_default().used.clone_from(&usage.used);
            }
            let anonymous = format!("anonymous {}", operation.kind.keyword());
            let error = |message, at, path: &Vec<String>, code, name| RequestError {
                path: Some(path.clone()),
                extensions: Some(json!({ "code": code, "variableName": name })),
                ..RequestError::at(message, at)
            };
            for (name, _) in variables.iter().filter(|it| it.1.is_declared && it.1.used.is_none()) {
                let by = scope.name.unwrap_or(&anonymous);
                let message = format!("Variable ${name} is declared by {by} but not used");
                let code = "variableNotUsed";
                self.errors.push(error(message, operation.at, &scope.path, code, name));
            }
            for (name, usage) in variables.iter().filter(|it| !it.1.is_declared) {
                let Some(used) = &usage.used else { continue };
                let by = used.by.unwrap_or(&anonymous);
                let message = format!("Variable ${name} is used by {by} but not declared");
                self.errors.push(error(message, used.at, &used.path, "variableNotDefined", name));
            }
        }
    }
}

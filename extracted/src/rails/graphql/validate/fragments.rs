//! Fragments and where they are spread.

use serde_json::json;

use super::{
    super::{
        Object, Position, RequestError, Unread,
        document::{Inline, Spread},
    },
    Validator,
};

/// A spread, and the type in which it stands.
pub(super) struct Seen<'a> {
    spread: &'a Spread,
    within: &'static Object,
    path: Vec<String>,
}

impl<'a> Validator<'a> {
    /// `FragmentTypesExist`: the type of a fragment.
    pub(super) fn condition(
        &mut self,
        name: &str,
        at: Position,
    ) -> Result<Option<&'static Object>, Unread> {
        if self.schema.has_scalar(name) || name.starts_with("__") {
            return Err(Unread("a fragment is on a scalar, or on a type of the introspection"));
        }
        let object = self.schema.object(name);
        if object.is_none() {
            let message = format!("No such type {name}, so it can't be a fragment condition");
            self.error(message, at, json!({ "code": "undefinedType", "typeName": name }));
        }
        Ok(object)
    }

    pub(super) fn inline(
        &mut self,
        inline: &'a Inline,
        within: &'static Object,
    ) -> Result<(), Unread> {
        let on = inline.on.as_ref().map(|it| format!(" on {it}")).unwrap_or_default();
        self.path.push(format!("...{on}"));
        let object = match &inline.on {
            Some(name) => self.condition(name, inline.at)?,
            None => Some(within),
        };
        if let Some(object) = object {
            if object.name != within.name {
                let error = impossible("", "unknown", object, within, inline.at, self.path.clone());
                self.errors.push(error);
            }
            self.selections(&inline.selections, object)?;
            self.directives(&inline.directives)?;
        }
        self.path.pop();
        Ok(())
    }

    pub(super) fn spread(
        &mut self,
        spread: &'a Spread,
        within: &'static Object,
    ) -> Result<(), Unread> {
        self.path.push(format!("... {}", spread.name));
        self.spreads.push(Seen { spread, within, path: self.path.clone() });
        self.usages.spread(&spread.name);
        self.directives(&spread.directives)?;
        self.path.pop();
        Ok(())
    }

    /// `FragmentSpreadsArePossible`, of those with a name.
    pub(super) fn possible_spreads(&mut self) {
        for Seen { spread, within, path } in &self.spreads {
            let fragment = self.document.fragment(&spread.name);
            let Some(object) = fragment.and_then(|it| self.schema.object(&it.on)) else { continue };
            if object.name != within.name {
                let name = format!(" {}", spread.name);
                let path = path.clone();
                self.errors.push(impossible(&name, &name, object, within, spread.at, path));
            }
        }
    }

    /// `FragmentsAreUsed`. In which order several are named is the gem's own affair.
    pub(super) fn used_fragments(&mut self) -> Result<(), Unread> {
        let undefined: Vec<_> = self
            .spreads
            .iter()
            .filter(|it| self.document.fragment(&it.spread.name).is_none())
            .collect();
        let used = self.usages.reachable();
        let unused: Vec<_> =
            self.document.fragments().filter(|it| !used.contains(it.name.as_str())).collect();
        let error = match (&undefined[..], &unused[..]) {
            ([], []) => return Ok(()),
            ([seen], []) => {
                let name = &seen.spread.name;
                let message = format!("Fragment {name} was used, but not defined");
                fragment_error(message, name, seen.spread.at, seen.path.clone())
            }
            ([], [fragment]) => {
                let name = &fragment.name;
                let message = format!("Fragment {name} was defined, but not used");
                fragment_error(message, name, fragment.at, vec![format!("fragment {name}")])
            }
            _ => return Err(Unread("several fragments are undefined or unused")),
        };
        self.errors.push(error);
        Ok(())
    }
}

fn fragment_error(message: String, name: &str, at: Position, path: Vec<String>) -> RequestError {
    let extensions = json!({ "code": "useAndDefineFragment", "fragmentName": name });
    RequestError { path: Some(path), extensions: Some(extensions), ..RequestError::at(message, at) }
}

fn impossible(
    shown: &str,
    name: &str,
    object: &Object,
    within: &Object,
    at: Position,
    path: Vec<String>,
) -> RequestError {
    let message =
        format!("Fragment{shown} on {} can't be spread inside {}", object.name, within.name);
    let extensions = json!({
        "code": "cannotSpreadFragment",
        "typeName": object.name,
        "fragmentName": name,
        "parentName": within.name,
    });
    RequestError { path: Some(path), extensions: Some(extensions), ..RequestError::at(message, at) }
}

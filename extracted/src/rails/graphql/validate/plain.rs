//! What few clients send and the gem has intricate answers to: documents that Rails must judge.
//!
//! Past this, every name is unique, no fragment contains itself, all directives are `@include` and
//! `@skip`, and fields of one name in the answer are one field.

use std::collections::{HashMap, HashSet};

use super::super::{
    Document, Field, Unread,
    document::{Definition, Directive, GivenArgument, Node},
};

/// More fields than this, counted where they are spread, are not looked at.
const MAX_FIELDS: usize = 5_000;
const MAX_DEPTH: usize = 64;

pub(super) fn check(document: &Document) -> Result<(), Unread> {
    let operations: Vec<_> = document.operations().map(|it| it.name.as_deref()).collect();
    if operations.is_empty() || operations.len() > 1 && operations.contains(&None) {
        return Err(Unread("a document has no operation, or several and one without a name"));
    }
    unique(operations.into_iter())?;
    unique(document.fragments().map(|it| &it.name))?;
    let mut budget = MAX_FIELDS;
    for definition in &document.definitions {
        let (directives, selections) = match definition {
            Definition::Operation(it) => (&it.directives, &it.selections),
            Definition::Fragment(it) => (&it.directives, &it.selections),
        };
        if !directives.is_empty() {
            return Err(Unread("an operation or a fragment has directives"));
        }
        if let Definition::Operation(operation) = definition {
            unique(operation.variables.iter().map(|it| &it.name))?;
        }
        nodes(selections)?;
        Walk { document, budget: &mut budget, depth: 0 }.merge(&[selections])?;
    }
    Ok(())
}

fn unique<T: Eq + std::hash::Hash>(mut names: impl Iterator<Item = T>) -> Result<(), Unread> {
    let mut seen = HashSet::new();
    if names.all(|it| seen.insert(it)) { Ok(()) } else { Err(Unread("a name is given twice")) }
}

fn nodes(selections: &[Node]) -> Result<(), Unread> {
    for node in selections {
        directives(node.directives())?;
        match node {
            Node::Field(field) => {
                unique(field.arguments.iter().map(|it| &it.name))?;
                nodes(&field.selections)?;
            }
            Node::Inline(inline) => nodes(&inline.selections)?,
            Node::Spread(_) => {}
        }
    }
    Ok(())
}

fn directives(directives: &[Directive]) -> Result<(), Unread> {
    if !directives.iter().all(|it| matches!(it.name.as_str(), "include" | "skip")) {
        return Err(Unread("a directive is neither @include nor @skip"));
    }
    unique(directives.iter().map(|it| &it.name))?;
    directives.iter().try_for_each(|it| unique(it.arguments.iter().map(|it| &it.name)))
}

/// Through fields and, where they are spread, fragments.
struct Walk<'a, 'b> {
    document: &'a Document,
    budget: &'b mut usize,
    /// Selections and fragments around.
    depth: usize,
}

impl<'a> Walk<'a, '_> {
    /// `FieldsWillMerge` and `FragmentsAreFinite`, for selections of one object.
    fn merge(&mut self, of: &[&'a [Node]]) -> Result<(), Unread> {
        let mut fields: HashMap<&str, Vec<&'a Field>> = HashMap::new();
        for nodes in of {
            self.gather(nodes, &mut fields)?;
        }
        self.depth += 1;
        for same in fields.values() {
            if !same.windows(2).all(|it| is_one(it[0], it[1])) {
                return Err(Unread("fields of one name in the answer differ"));
            }
            let below: Vec<_> = same.iter().map(|it| it.selections.as_slice()).collect();
            self.merge(&below)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn gather(
        &mut self,
        nodes: &'a [Node],
        fields: &mut HashMap<&'a str, Vec<&'a Field>>,
    ) -> Result<(), Unread> {
        if self.depth > MAX_DEPTH {
            return Err(Unread("fragments contain each other, or a query is nested deeply"));
        }
        self.depth += 1;
        for node in nodes {
            *self.budget = self.budget.checked_sub(1).ok_or(Unread("a query is large"))?;
            match node {
                Node::Field(field) => fields.entry(field.key()).or_default().push(field),
                Node::Inline(inline) => self.gather(&inline.selections, fields)?,
                Node::Spread(spread) => {
                    if let Some(fragment) = self.document.fragment(&spread.name) {
                        self.gather(&fragment.selections, fields)?;
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}

/// Of one name, with the same arguments.
fn is_one(field: &Field, other: &Field) -> bool {
    let same = |it: &GivenArgument| {
        let found = other.arguments.iter().find(|other| other.name == it.name);
        let printed = it.value.printed();
        printed.is_some() && found.is_some_and(|it| it.value.printed() == printed)
    };
    field.name == other.name
        && field.arguments.len() == other.arguments.len()
        && field.arguments.iter().all(same)
}

//! What is known of the elements of a document without comparing them to any other, under rules.

use std::{collections::HashMap, ptr};

use foldhash::fast::FixedState;

use super::{Element, Node, compare::places, digest};
use crate::compare::{
    path::{Path, Root, Step},
    rule::Excuses,
};

/// Hashes of a document's nodes as far as no rule excuses what they are. A collision pairs two unequal
/// nodes, which are then compared like any other pair: it never hides a difference.
pub(super) struct Blurred<'a>(HashMap<*const Node<'a>, u64, FixedState>);

impl<'a> Blurred<'a> {
    /// Every node is hashed once, however deep it is, at its own place.
    pub(super) fn of(root: &'a Element<'a>, excuses: &Excuses<'_>) -> Self {
        let (path, known) = (Path::at(Root::Markup), HashMap::default());
        let mut hashing = Hashing { excuses, path, known };
        hashing.element(root);
        Self(hashing.known)
    }

    /// The node must be of the document.
    pub(super) fn digest(&self, node: &Node<'a>) -> u64 {
        self.0.get(&ptr::from_ref(node)).copied().unwrap_or_default()
    }
}

struct Hashing<'h, 'a> {
    excuses: &'h Excuses<'h>,
    path: Path<'a>,
    known: HashMap<*const Node<'a>, u64, FixedState>,
}

impl<'a> Hashing<'_, 'a> {
    fn at(&mut self, step: Step<'a>, hash: impl FnOnce(&mut Self) -> u64) -> u64 {
        self.path.push(step);
        let digest = hash(self);
        let digest = if self.excuses.blur(&self.path) { 0 } else { digest };
        self.path.pop();
        digest
    }

    fn element(&mut self, element: &'a Element<'a>) -> u64 {
        let mut attributes = Vec::with_capacity(element.attributes.len());
        for (name, it) in &element.attributes {
            attributes.push((name, self.at(Step::Attribute(name), |_| digest(&it.text))));
        }
        let mut children = Vec::with_capacity(element.children.len());
        for (node, place) in element.children.iter().zip(places(&element.children)) {
            let digest = self.at(place, |it| match node {
                Node::Element(element) => it.element(element),
                Node::Text(_) => node.digest(),
            });
            self.known.insert(ptr::from_ref(node), digest);
            children.push(digest);
        }
        digest(&(&element.tag, attributes, children))
    }
}

//! What the parser of HTML builds, as far as its limits allow.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    mem,
};

use ego_tree::{NodeId, NodeMut, Tree};
use html5ever::{
    Attribute, QualName, local_name, ns,
    tendril::StrTendril,
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
};

use super::DEPTH_LIMIT;

/// Elements, texts and comments of a page. A browser is slow long before.
const NODES: usize = 1_000_000;

/// The parser looks through a tag's attributes for each new one. This many such looks take less
/// than a second.
const LOOKS: usize = 1 << 27;

#[derive(Debug)]
pub(super) enum Node {
    Document,
    Element {
        tag: String,
        attributes: Vec<(String, String)>,
        depth: usize,
    },
    Text(String),
    /// Comments and processing instructions.
    Other,
}

/// What the parser builds the tree in.
#[derive(Debug)]
pub(super) struct Sink {
    tree: RefCell<Tree<Node>>,
    nodes: Cell<usize>,
    looks: Cell<usize>,
    too_deep: Cell<bool>,
    mode: Cell<QuirksMode>,
    /// Since the last piece: none means that the parser is in the middle of one long token.
    calls: Cell<usize>,
}

/// A node that the parser remembers. It asks for the names of elements alone.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    id: NodeId,
    name: QualName,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            tree: RefCell::new(Tree::new(Node::Document)),
            nodes: Cell::default(),
            looks: Cell::default(),
            too_deep: Cell::default(),
            mode: Cell::new(QuirksMode::NoQuirks),
            calls: Cell::default(),
        }
    }
}

impl Sink {
    pub(super) fn is_exhausted(&self) -> bool {
        self.nodes.get() > NODES || self.looks.get() > LOOKS || self.too_deep.get()
    }

    /// Whether the parser did anything since it was last asked.
    pub(super) fn was_called(&self) -> bool {
        self.calls.replace(0) > 0
    }

    /// The `noscript` elements whose text is markup.
    pub(super) fn without_scripts(&self) -> Vec<NodeId> {
        let is_markup = |it: &Node| matches!(it, Node::Text(text) if text.contains(['<', '&']));
        let tree = self.tree.borrow();
        let elements = tree.root().descendants().filter(|it| {
            matches!(it.value(), Node::Element { tag, .. } if tag == "noscript")
                && it.first_child().is_some_and(|it| is_markup(it.value()))
        });
        elements.map(|it| it.id()).collect()
    }

    /// Takes its first text out of an element.
    pub(super) fn take_text(&self, element: NodeId) -> String {
        let mut tree = self.tree.borrow_mut();
        let Some(mut element) = tree.get_mut(element) else { return String::new() };
        let Some(mut child) = element.first_child() else { return String::new() };
        let Node::Text(text) = child.value() else { return String::new() };
        let text = mem::take(text);
        child.detach();
        text
    }

    /// Puts all that is in the last root below an element, in that root's place.
    pub(super) fn move_last_root(&self, element: NodeId) {
        let mut tree = self.tree.borrow_mut();
        let root = tree.root().last_child().map(|it| it.id());
        let Some(root) = root.filter(|it| *it != element) else { return };
        if let Some(mut element) = tree.get_mut(element) {
            element.reparent_from_id_append(root);
        }
        if let Some(mut root) = tree.get_mut(root) {
            root.detach();
        }
    }

    pub(super) fn into_parts(self) -> (Tree<Node>, QuirksMode) {
        (self.tree.into_inner(), self.mode.get())
    }

    fn create(&self, node: Node, name: QualName) -> Handle {
        self.nodes.update(|it| it + 1);
        self.calls.update(|it| it + 1);
        Handle { id: self.tree.borrow_mut().orphan(node).id(), name }
    }

    /// Does something to a node; every handle is of a node of this tree.
    fn at(&self, handle: &Handle, act: impl FnOnce(&mut NodeMut<'_, Node>)) {
        self.calls.update(|it| it + 1);
        if let Some(mut node) = self.tree.borrow_mut().get_mut(handle.id) {
            act(&mut node);
        }
    }

    /// Puts a node or a text below a node, or in front of it.
    fn insert(&self, handle: &Handle, place: Place, new: NodeOrText<Handle>) {
        self.at(handle, |node| {
            let parent = match place {
                Place::Last => Some(node.as_ref()),
                Place::Before => node.as_ref().parent(),
            };
            let Some(depth) = parent.map(|it| it.value().depth() + 1) else { return };
            match new {
                NodeOrText::AppendNode(new) => {
                    self.too_deep.set(self.too_deep.get() || depth > DEPTH_LIMIT);
                    let mut new = match place {
                        Place::Last => node.append_id(new.id),
                        Place::Before => node.insert_id_before(new.id),
                    };
                    if let Node::Element { depth: it, .. } = new.value() {
                        *it = depth;
                    }
                }
                NodeOrText::AppendText(text) => {
                    let before = match place {
                        Place::Last => node.last_child(),
                        Place::Before => node.prev_sibling(),
                    };
                    if let Some(mut before) = before
                        && let Node::Text(it) = before.value()
                    {
                        return it.push_str(&text);
                    }
                    self.nodes.update(|it| it + 1);
                    let text = Node::Text(text.to_string());
                    match place {
                        Place::Last => node.append(text),
                        Place::Before => node.insert_before(text),
                    };
                }
            }
        });
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// As the last child.
    Last,
    /// As the sibling in front.
    Before,
}

impl Node {
    const fn depth(&self) -> usize {
        match self {
            Self::Element { depth, .. } => *depth,
            _ => 0,
        }
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: self.tree.borrow().root().id(), name: no_name() }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        &target.name
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        self.looks.update(|it| it.saturating_add(attrs.len() * attrs.len()));
        let tag = name.local.to_string();
        self.create(Node::Element { tag, attributes: plain(attrs), depth: 0 }, name)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.create(Node::Other, no_name())
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.create(Node::Other, no_name())
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent, Place::Last, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        prev_element: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let tree = self.tree.borrow();
        let has_parent = tree.get(element.id).is_some_and(|it| it.parent().is_some());
        drop(tree);
        if has_parent {
            self.insert(element, Place::Before, child);
        } else {
            self.insert(prev_element, Place::Last, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// A template's contents are its children here.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.mode.set(mode);
    }

    fn append_before_sibling(&self, sibling: &Handle, new: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(new) = &new {
            self.remove_from_parent(new);
        }
        self.insert(sibling, Place::Before, new);
    }

    fn add_attrs_if_missing(&self, target: &Handle, attrs: Vec<Attribute>) {
        self.at(target, |node| {
            let Node::Element { attributes, .. } = node.value() else { return };
            let looks = attrs.len() * (attributes.len() + attrs.len());
            self.looks.update(|it| it.saturating_add(looks));
            if self.is_exhausted() {
                return;
            }
            for (name, value) in plain(attrs) {
                if attributes.iter().all(|(it, _)| *it != name) {
                    attributes.push((name, value));
                }
            }
        });
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.at(target, |it| {
            it.detach();
        });
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        self.at(new_parent, |it| it.reparent_from_id_append(node.id));
    }
}

fn no_name() -> QualName {
    QualName::new(None, ns!(), local_name!(""))
}

fn plain(attributes: Vec<Attribute>) -> Vec<(String, String)> {
    let name = |it: &QualName| match &it.prefix {
        Some(prefix) => format!("{prefix}:{}", it.local),
        None => it.local.to_string(),
    };
    attributes.into_iter().map(|it| (name(&it.name), it.value.to_string())).collect()
}

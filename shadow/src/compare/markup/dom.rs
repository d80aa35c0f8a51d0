//! HTML as a browser parses it (WHATWG HTML §13.2), in bounded time and memory.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
};

use ego_tree::{NodeId, NodeMut, Tree};
use html5ever::{
    Attribute, ParseOpts, QualName, local_name, ns, parse_document,
    tendril::{StrTendril, TendrilSink as _},
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
};

use super::{DEPTH_LIMIT, flow};
use crate::Unknown;

/// Elements, texts and comments of a page. A browser is slow long before.
const NODES: usize = 1_000_000;

/// The parser looks through a tag's attributes for each new one. This many such looks take less
/// than a second.
const LOOKS: usize = 1 << 27;

/// Characters that end an attribute, in one tag; no tag can have more attributes than that.
const SEPARATORS: usize = 1 << 14;

/// The parser is fed so many bytes at a time, and limits are checked in between.
const PIECE: usize = 4096;

/// A parsed page, without the white space that is not shown.
#[derive(Debug)]
pub(in crate::compare) struct Page {
    pub(super) tree: Tree<Node>,
    /// How a browser lays it out, by its doctype.
    pub(super) mode: QuirksMode,
}

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

impl Page {
    /// Parses a page; what is not UTF-8 is taken for ISO 8859-1.
    ///
    /// # Errors
    /// [`Unknown::TooLarge`] when the page is too deep or too intricate.
    pub(in crate::compare) fn parse(body: &[u8]) -> Result<Self, Unknown> {
        let text: Cow<'_, str> = match str::from_utf8(body) {
            Ok(text) => text.into(),
            Err(_) => body.iter().copied().map(char::from).collect::<String>().into(),
        };
        let mut parser = parse_document(Sink::default(), ParseOpts::default());
        let (mut rest, mut separators) = (&*text, 0);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
            parser.process(StrTendril::from_slice(piece));
            rest = behind;
            let sink = &parser.tokenizer.sink.sink;
            if sink.calls.replace(0) > 0 {
                separators = 0;
            }
            separators += piece.bytes().filter(|it| is_separator(*it)).count();
            if sink.is_exhausted() || separators > SEPARATORS {
                return Err(Unknown::TooLarge);
            }
        }
        let sink = parser.finish();
        if sink.is_exhausted() {
            return Err(Unknown::TooLarge);
        }
        let mut tree = sink.tree.into_inner();
        flow::collapse(&mut tree);
        Ok(Self { tree, mode: sink.mode.get() })
    }
}

const fn is_separator(it: u8) -> bool {
    it.is_ascii_whitespace() || matches!(it, b'/' | b'"' | b'\'')
}

/// What the parser builds the tree in.
#[derive(Debug)]
struct Sink {
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
struct Handle {
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
    fn is_exhausted(&self) -> bool {
        self.nodes.get() > NODES || self.looks.get() > LOOKS || self.too_deep.get()
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

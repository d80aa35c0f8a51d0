//! Two documents, element by element.

use std::{cmp::Ordering, collections::HashMap};

use foldhash::fast::FixedState;

use super::{Content, Element, Node, blurred::Blurred, digest};
use crate::compare::{
    Class, DifferenceKind, Fragment,
    collector::Collector,
    document::Walk,
    path::{Child, Path, Root, Step},
    sequence::{Key, align},
};

/// Adds the differences of two documents. Recursion is bounded, as documents are.
pub(in crate::compare) fn compare<'a>(
    control: &'a Element<'a>,
    candidate: &'a Element<'a>,
    collector: &mut Collector<'a>,
) {
    let has_rules = collector.excuses().reach(Root::Markup);
    let closely = has_rules && collector.excuses().look_closely(Root::Markup);
    if !closely && are_equal(control, candidate) {
        return;
    }
    let blur = |it| Blurred::of(it, collector.excuses());
    let blurred = has_rules.then(|| [control, candidate].map(blur));
    let path = Path::at(Root::Markup);
    Comparer { collector, path, blurred, closely }.elements(control, candidate);
}

fn are_equal(one: &Element<'_>, other: &Element<'_>) -> bool {
    one.digest == other.digest && one == other
}

struct Comparer<'c, 'a> {
    collector: &'c mut Collector<'a>,
    path: Path<'a>,
    /// Where any rule is for places in such documents: what is known of the control's nodes, and of the
    /// candidate's.
    blurred: Option<[Blurred<'a>; 2]>,
    /// Whether equal elements must be looked at too.
    closely: bool,
}

impl<'a> Comparer<'_, 'a> {
    fn elements(&mut self, control: &'a Element<'a>, candidate: &'a Element<'a>) {
        if !self.closely && are_equal(control, candidate) {
            return;
        }
        let both = [Some(Fragment::Element(control)), Some(Fragment::Element(candidate))];
        if control.tag != candidate.tag {
            return self.found(DifferenceKind::Retyped, Class::Critical, both);
        }
        self.attributes(control, candidate);
        self.children(control, candidate);
    }

    /// Both are sorted by name.
    fn attributes(&mut self, control: &'a Element<'a>, candidate: &'a Element<'a>) {
        let mut ones = control.attributes.iter().peekable();
        let mut others = candidate.attributes.iter().peekable();
        loop {
            let order = match (ones.peek(), others.peek()) {
                (Some((one, _)), Some((other, _))) => one.cmp(other),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            let one = ones.next_if(|_| order.is_le());
            let other = others.next_if(|_| order.is_ge());
            let Some((name, _)) = one.or(other) else { return };
            let class = match &**name {
                "class" | "style" => Class::Cosmetic,
                _ => Class::Critical,
            };
            self.within(Step::Attribute(name), |it| {
                it.contents(one.map(|it| &it.1), other.map(|it| &it.1), class);
            });
        }
    }

    fn contents(
        &mut self,
        control: Option<&'a Content<'a>>,
        candidate: Option<&'a Content<'a>>,
        class: Class,
    ) {
        if self.closely
            && let (Some(one), Some(other)) = (control, candidate)
        {
            self.collector.paired(&self.path, &one.text, &other.text);
        }
        let kind = match (control, candidate) {
            (Some(one), Some(other)) if !self.closely && one.text == other.text => return,
            (Some(Content { json: Some(one), .. }), Some(Content { json: Some(other), .. })) => {
                return Walk::new(self.collector, self.path.clone())
                    .values(one.root(), other.root());
            }
            (Some(one), Some(other)) if one.text == other.text => return,
            (Some(_), Some(_)) => DifferenceKind::Changed,
            (Some(_), None) => DifferenceKind::Missing,
            (None, Some(_)) => DifferenceKind::Extra,
            (None, None) => return,
        };
        let values = [control, candidate].map(|it| it.map(|it| Fragment::Text(&it.text)));
        self.found(kind, class, values);
    }

    fn children(&mut self, control: &'a Element<'a>, candidate: &'a Element<'a>) {
        let [ones, others] = [control, candidate].map(|it| &it.children[..]);
        let [places, other_places] = [ones, others].map(places);
        let [blurred, other_blurred] = match &self.blurred {
            Some([blurred, other_blurred]) => [Some(blurred), Some(other_blurred)],
            None => [None, None],
        };
        let (keys, other_keys) = (keys(ones, blurred), keys(others, other_blurred));
        let ordered = !self.collector.excuses().any_order(&self.path);
        let alignment = align(&keys, &other_keys, ordered);
        if alignment.moved {
            let both = [control, candidate].map(|it| Some(Fragment::Element(it)));
            self.found(DifferenceKind::Moved, Class::Critical, both);
        }
        for (one, other) in alignment.pairs {
            match (&ones[one], &others[other]) {
                (Node::Element(control), Node::Element(candidate)) => {
                    self.within(places[one], |it| it.elements(control, candidate));
                }
                (Node::Text(control), Node::Text(candidate)) => {
                    self.within(Step::Text, |it| {
                        it.contents(Some(control), Some(candidate), Class::Critical);
                    });
                }
                (control, candidate) => {
                    self.alone(DifferenceKind::Missing, places[one], control);
                    self.alone(DifferenceKind::Extra, other_places[other], candidate);
                }
            }
        }
        for at in alignment.missing {
            self.alone(DifferenceKind::Missing, places[at], &ones[at]);
        }
        for at in alignment.extra {
            self.alone(DifferenceKind::Extra, other_places[at], &others[at]);
        }
    }

    fn alone(&mut self, kind: DifferenceKind, place: Step<'a>, node: &'a Node<'a>) {
        let value = Some(match node {
            Node::Element(it) => Fragment::Element(it),
            Node::Text(it) => Fragment::Text(&it.text),
        });
        let values = if kind == DifferenceKind::Missing { [value, None] } else { [None, value] };
        self.within(place, |it| it.found(kind, Class::Critical, values));
    }

    fn within(&mut self, step: Step<'a>, then: impl FnOnce(&mut Self)) {
        self.path.push(step);
        then(self);
        self.path.pop();
    }

    fn found(
        &mut self,
        kind: DifferenceKind,
        class: Class,
        [control, candidate]: [Option<Fragment<'a>>; 2],
    ) {
        self.collector.found(&self.path, kind, class, control, candidate);
    }
}

fn keys<'a>(nodes: &[Node<'a>], blurred: Option<&Blurred<'a>>) -> Vec<Key> {
    let key = |node: &Node<'a>| Key {
        content: blurred.map_or_else(|| node.digest(), |it| it.digest(node)),
        identity: match node {
            Node::Element(it) => it.attribute("id").map(|id| digest(&(&it.tag, id))),
            Node::Text(_) => None,
        },
    };
    nodes.iter().map(key).collect()
}

/// Each child's place among its siblings.
pub(super) fn places<'a>(nodes: &'a [Node<'a>]) -> Vec<Step<'a>> {
    let mut counts: HashMap<&str, (usize, usize), FixedState> = HashMap::default();
    for node in nodes {
        if let Node::Element(it) = node {
            counts.entry(&it.tag).or_default().0 += 1;
        }
    }
    let place = |node: &'a Node<'a>| match node {
        Node::Text(_) => Step::Text,
        Node::Element(it) => {
            let nth = counts.get_mut(&*it.tag).and_then(|(all, seen)| {
                *seen += 1;
                (*all > 1).then_some(*seen)
            });
            Step::Child(Child { tag: &it.tag, nth })
        }
    };
    nodes.iter().map(place).collect()
}

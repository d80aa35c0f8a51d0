//! Which white space of a page a browser shows, by the style sheet that the standard has for every
//! page (HTML §15.3) and the rules of CSS for lines of text (CSS Text Level 3, §4.1). A page's own
//! style sheets are not read.

use ego_tree::{NodeId, Tree, iter::Edge};

use super::dom::Node;

/// Elements beside which, and at whose ends, a line of text ends: blocks and what tables are made of,
/// and `br`. Any other is within a line, whatever its name.
const BLOCKS: [&str; 58] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "col",
    "colgroup",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "optgroup",
    "option",
    "p",
    "plaintext",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "xmp",
];

/// Elements that are not shown: the line in which they stand goes on behind them.
const HIDDEN: [&str; 18] = [
    "area", "base", "basefont", "datalist", "head", "link", "meta", "noembed", "noframes",
    "noscript", "param", "rp", "script", "source", "style", "template", "title", "track",
];

/// Elements that stand in a line like one sign, with lines of their own in them.
const BOXES: [&str; 16] = [
    "audio", "button", "canvas", "embed", "iframe", "img", "input", "marquee", "math", "meter",
    "object", "progress", "select", "svg", "textarea", "video",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Display {
    Block,
    Box,
    Hidden,
    Inline,
}

/// Takes the white space that is not shown out of a page's texts; what is shown of it is one space,
/// but where an element keeps it as it is.
pub(super) fn collapse(tree: &mut Tree<Node>) {
    let mut flow = Flow { line: Line::Empty, open: Vec::new(), shown: Vec::new() };
    for edge in tree.root().traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Element { tag, attributes, .. } => flow.open(tag, attributes),
                Node::Text(text) => flow.text(node.id(), text),
                Node::Document | Node::Other => {}
            },
            Edge::Close(node) if matches!(node.value(), Node::Element { .. }) => flow.close(),
            Edge::Close(_) => {}
        }
    }
    for (id, text) in flow.shown {
        if let Some(mut node) = tree.get_mut(id) {
            *node.value() = Node::Text(text);
        }
    }
}

/// Lines of text, as they are come upon.
struct Flow {
    line: Line,
    /// The elements around, the innermost last.
    open: Vec<Open>,
    /// What is shown of each text, but of those that keep their white space.
    shown: Vec<(NodeId, String)>,
}

/// The line as far as it is come upon.
#[derive(Debug, Clone, Copy)]
enum Line {
    Empty,
    /// A space is the last of it, at the end of the text with this index.
    Space(usize),
    /// Something else is.
    Sign,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    display: Display,
    /// The line in which it stands.
    line: Line,
    /// White space in it is shown as it is.
    keeps: bool,
    /// It is of a drawing or a formula, in which only some texts have lines.
    is_drawn: bool,
}

impl Flow {
    fn open(&mut self, tag: &str, attributes: &[(String, String)]) {
        let (keeps, is_drawn) =
            self.open.last().map_or((false, false), |it| (it.keeps, it.is_drawn));
        let display = if is_drawn { of_drawings(tag) } else { of_pages(tag, attributes) };
        if display == Display::Block {
            self.end_line();
        }
        let keeps = keeps || keeps_white_space(tag);
        let is_drawn = match tag {
            "math" | "svg" => true,
            // In these a page may go on.
            "annotation-xml" | "foreignObject" | "mi" | "mn" | "mo" | "ms" | "mtext" => false,
            _ => is_drawn,
        };
        self.open.push(Open { display, line: self.line, keeps, is_drawn });
        if display != Display::Inline {
            self.line = Line::Empty;
        }
    }

    fn close(&mut self) {
        let Some(Open { display, line, .. }) = self.open.pop() else { return };
        if display != Display::Inline {
            self.end_line();
        }
        match display {
            Display::Box => self.line = Line::Sign,
            Display::Hidden => self.line = line,
            Display::Block | Display::Inline => {}
        }
    }

    /// A space behind another one is not shown, nor one at the beginning of a line.
    fn text(&mut self, id: NodeId, text: &str) {
        if self.open.last().is_some_and(|it| it.keeps) {
            self.line = Line::Sign;
            return;
        }
        let mut shown = String::with_capacity(text.len());
        for it in text.chars() {
            if !is_space(it) {
                shown.push(it);
                self.line = Line::Sign;
            } else if matches!(self.line, Line::Sign) {
                shown.push(' ');
                self.line = Line::Space(self.shown.len());
            }
        }
        self.shown.push((id, shown));
    }

    /// A space at the end of a line is not shown.
    fn end_line(&mut self) {
        if let Line::Space(at) = self.line
            && let Some((_, text)) = self.shown.get_mut(at)
        {
            text.pop();
        }
        self.line = Line::Empty;
    }
}

fn of_pages(tag: &str, attributes: &[(String, String)]) -> Display {
    let is_hidden_field = || {
        let is_type = |(name, value): &(String, String)| {
            name == "type" && value.eq_ignore_ascii_case("hidden")
        };
        tag == "input" && attributes.iter().any(is_type)
    };
    let is_in = |list: &[&str]| list.binary_search(&tag).is_ok();
    if is_in(&BLOCKS) {
        Display::Block
    } else if is_in(&HIDDEN) || is_hidden_field() {
        Display::Hidden
    } else if is_in(&BOXES) {
        Display::Box
    } else {
        Display::Inline
    }
}

/// White space counts within the lines of a text alone (SVG 2 §11), and in formulas nowhere.
fn of_drawings(tag: &str) -> Display {
    match tag {
        "a" | "textPath" | "tspan" => Display::Inline,
        "desc" | "metadata" | "script" | "style" | "title" => Display::Hidden,
        _ => Display::Block,
    }
}

fn keeps_white_space(tag: &str) -> bool {
    matches!(tag, "listing" | "plaintext" | "pre" | "script" | "style" | "textarea" | "xmp")
}

/// ASCII white space as HTML has it; a non-breaking space is shown.
const fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_sorted_and_no_tag_is_in_two() {
        for list in [&BLOCKS[..], &HIDDEN, &BOXES] {
            assert!(list.is_sorted(), "{list:?}");
        }
        let is_twice = |it: &&str| HIDDEN.contains(it) || BOXES.contains(it);
        assert!(!BLOCKS.iter().any(is_twice) && !HIDDEN.iter().any(|it| BOXES.contains(it)));
    }
}

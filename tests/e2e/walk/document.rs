//! A document's fenced code: what it shows of the tree, and what it tells the reader to do.

use std::fs;

use tests::project;

/// What a fenced block is, by the second word behind its fence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `file=PATH`: the whole of that file.
    File(String),
    /// `in=PATH`: lines of that file, however they are indented there.
    Part(String),
    /// `step=NAME`: something to do.
    Step(String),
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// Where its fence is, from 1.
    pub(super) line: usize,
    /// None where the document does not say.
    pub(super) role: Option<Role>,
    /// Each line with its end.
    pub(super) text: String,
}

/// The blocks of a document below the project's root.
pub(super) fn blocks(path: &str) -> Vec<Block> {
    parse(&fs::read_to_string(project::root().join(path)).unwrap())
}

fn parse(document: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (line, text) in (1..).zip(document.lines()) {
        if let Some(info) = text.strip_prefix("```") {
            open = !open;
            if open {
                found.push(Block { line, role: role(info), text: String::new() });
            }
        } else if let Some(block) = found.last_mut().filter(|_| open) {
            block.text.extend([text, "\n"]);
        }
    }
    found
}

fn role(info: &str) -> Option<Role> {
    let (key, value) = info.split(' ').nth(1)?.split_once('=')?;
    let value = value.to_owned();
    match key {
        "file" => Some(Role::File(value)),
        "in" => Some(Role::Part(value)),
        "step" => Some(Role::Step(value)),
        _ => None,
    }
}

impl Block {
    /// What is wrong with it, as far as the files of the tree can tell.
    pub(super) fn fault(&self, read: impl Fn(&str) -> String) -> Option<String> {
        let (fits, path) = match &self.role {
            Some(Role::Step(_)) => return None,
            Some(Role::File(path)) => (self.text == read(path), path),
            Some(Role::Part(path)) => (self.is_in(&read(path)), path),
            None => return Some(format!("line {}: no test follows this block", self.line)),
        };
        (!fits).then(|| format!("line {}: this is not what {path} says", self.line))
    }

    fn is_in(&self, file: &str) -> bool {
        let lines = |text: &str| text.lines().map(|it| it.trim().to_owned()).collect::<Vec<_>>();
        let (wanted, there) = (lines(&self.text), lines(file));
        there.windows(wanted.len()).any(|it| it == wanted)
    }
}

#[test]
fn a_block_is_told_by_its_fence() {
    let document = "a\n```rust file=x/y.rs\nb\n\nc\n```\n```toml step=go\n```\n```\nd\n```\n";
    let roles: Vec<_> = parse(document).into_iter().map(|it| (it.line, it.role, it.text)).collect();
    assert_eq!(
        roles,
        [
            (2, Some(Role::File("x/y.rs".into())), "b\n\nc\n".to_owned()),
            (7, Some(Role::Step("go".into())), String::new()),
            (9, None, "d\n".to_owned()),
        ]
    );
}

#[test]
fn a_block_that_differs_from_its_file_is_a_fault() {
    let fault = |fence: &str, text: &str| {
        let block = parse(&format!("```{fence}\n{text}```\n")).remove(0);
        block.fault(|_| "fn a() {\n    b();\n    c();\n}\n".to_owned())
    };
    assert_eq!(fault("rust file=a.rs", "fn a() {\n    b();\n    c();\n}\n"), None);
    assert_eq!(fault("rust in=a.rs", "b();\nc();\n"), None);
    for (fence, text) in [("rust file=a.rs", "b();\n"), ("rust in=a.rs", "c();\nb();\n")] {
        assert_eq!(fault(fence, text).unwrap(), "line 1: this is not what a.rs says");
    }
    assert_eq!(fault("rust", "b();\n").unwrap(), "line 1: no test follows this block");
}

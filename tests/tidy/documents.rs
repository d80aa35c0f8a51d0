//! The documents' links lead somewhere.

use std::path::Path;

use tests::project;

use crate::{
    assert_none,
    tree::{Text, texts},
};

#[test]
fn every_link_between_documents_leads_to_a_file() {
    let documents = texts().into_iter().filter(|it| it.has_extension("md"));
    assert_none(&documents.flat_map(|it| dead_links(&it, project::root())).collect::<Vec<_>>());
}

fn dead_links(document: &Text, root: &Path) -> Vec<String> {
    let folder = root.join(&document.path);
    let folder = folder.parent().unwrap_or(root);
    let dead = links(&document.text).into_iter().filter(|it| !folder.join(it).exists());
    dead.map(|it| format!("{} links to {it}, which does not exist", document.path)).collect()
}

/// The files that Markdown links to, outside fenced code: without anchors and other sites.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let targets =
                line.split("](").skip(1).filter_map(|it| it.split([')', '#', ' ']).next());
            found.extend(targets.filter(|it| !it.is_empty() && !it.contains(':')));
        }
    }
    found
}

#[test]
fn a_dead_link_is_found() {
    let text = "[a](gone.md#part) [b](tidy/main.rs)\n```\n[c](code.md)\n```\n[d](https://x.test/y) [e](#f)\n![g](no.png)";
    let document = Text::new("tests/README.md", text);
    assert_eq!(links(text), ["gone.md", "tidy/main.rs", "no.png"]);
    let dead = |it| format!("tests/README.md links to {it}, which does not exist");
    assert_eq!(dead_links(&document, project::root()), [dead("gone.md"), dead("no.png")]);
}

//! What every file must be: introduced, short, pure where purity is promised, and at home anywhere.

use tests::project;

use crate::{
    assert_none,
    tree::{Text, texts},
};

/// A file longer than this has two reasons to change.
const MAX_LINES: usize = 600;

#[test]
fn every_source_says_what_it_owns() {
    assert_none(&rust().iter().filter_map(unintroduced).collect::<Vec<_>>());
}

#[test]
fn no_source_is_too_long() {
    assert_none(&rust().iter().filter_map(too_long).collect::<Vec<_>>());
}

#[test]
fn comparing_and_routing_do_no_io() {
    let pure: Vec<_> = rust().into_iter().filter(|it| is_pure(&it.path)).collect();
    assert!(pure.len() > 2, "the pure modules have moved: is_pure must follow");
    assert_none(&pure.iter().flat_map(impurities).collect::<Vec<_>>());
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let root = project::root().display().to_string();
    assert_none(&texts().iter().flat_map(|it| machine_paths(it, &root)).collect::<Vec<_>>());
}

fn rust() -> Vec<Text> {
    texts().into_iter().filter(|it| it.has_extension("rs")).collect()
}

fn unintroduced(file: &Text) -> Option<String> {
    (!file.text.starts_with("//! "))
        .then(|| format!("{} must open with `//!` and a sentence on what it owns", file.path))
}

fn too_long(file: &Text) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > MAX_LINES).then(|| format!("{} has {lines} lines: more than {MAX_LINES}", file.path))
}

/// The comparison, and the route table but for the file that watches for its changes.
fn is_pure(path: &str) -> bool {
    path.starts_with("shadow/src/compare")
        || path.starts_with("proxy/src/route/") && path != "proxy/src/route/reload.rs"
}

fn impurities(file: &Text) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        let words = code.split(|it: char| !it.is_alphanumeric() && it != '_');
        for word in
            words.filter(|it| ["hyper", "hyper_util", "sqlx", "tokio", "tokio_util"].contains(it))
        {
            faults.push(format!("{}:{number} must not use {word}: it only computes", file.path));
        }
    }
    faults
}

/// Absolute paths below `root`, where this checkout is, or below somebody's home.
fn machine_paths(file: &Text, root: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // In pieces, or this file would name them itself.
    let homes = ["home", "root", "Users"].map(|it| format!("/{it}/"));
    for (number, line) in (1..).zip(file.text.lines()) {
        for place in homes.iter().map(String::as_str).chain([root]) {
            let starts = line.match_indices(place).map(|(at, _)| &line[..at]);
            if starts.into_iter().any(|before| !before.ends_with(is_part_of_a_path)) {
                faults.push(format!("{}:{number} names a path of one machine: {place}", file.path));
            }
        }
    }
    faults
}

/// Whether a slash after this continues a path, as in `app/views/home/`.
fn is_part_of_a_path(before: char) -> bool {
    before.is_alphanumeric() || "_-.*}/$".contains(before)
}

#[test]
fn a_missing_introduction_is_found() {
    assert!(unintroduced(&Text::new("a.rs", "// Not it.\n//! Too late.")).is_some());
    assert!(unintroduced(&Text::new("a.rs", "//! Owns a.")).is_none());
}

#[test]
fn length_is_counted_in_lines() {
    assert!(too_long(&Text::new("a.rs", &"\n".repeat(MAX_LINES + 1))).is_some());
    assert!(too_long(&Text::new("a.rs", &"\n".repeat(MAX_LINES))).is_none());
}

#[test]
fn io_is_found_in_code_but_not_in_comments() {
    let file = Text::new(
        "a.rs",
        "// As tokio does.\nuse tokio::time;\nlet it = sqlx::query(\"\");\nlet tokios = 1;",
    );
    assert_eq!(
        impurities(&file),
        [
            "a.rs:2 must not use tokio: it only computes",
            "a.rs:3 must not use sqlx: it only computes"
        ]
    );
    assert!(is_pure("shadow/src/compare/json.rs") && is_pure("proxy/src/route/table.rs"));
    assert!(!is_pure("proxy/src/route/reload.rs") && !is_pure("shadow/src/runner.rs"));
}

#[test]
fn paths_of_a_machine_are_found() {
    let faults = |line: &str| machine_paths(&Text::new("a.md", line), "/build/banyan").len();
    assert_eq!(faults("see /build/banyan/target"), 1);
    assert_eq!(faults(&format!("cd '/{}/ann/banyan'", "home")), 1);
    assert_eq!(faults(&format!("app/views/{}/index.html.erb", "home")), 0);
    assert_eq!(faults("GET /products/{id}"), 0);
}

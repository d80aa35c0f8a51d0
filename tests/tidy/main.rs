//! The tree's own rules: what the compiler cannot say of it.
//!
//! A rule is a function from what is in the tree to the faults it finds; each is tested to find one.

mod documents;
mod extractions;
mod manifests;
mod sources;
mod tree;

/// Fails with every fault of a rule, a line each.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

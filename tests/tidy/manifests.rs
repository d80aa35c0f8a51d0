//! Who may use whom, and what else every crate's manifest must say.

use std::collections::BTreeSet;

use toml::Table;

use crate::{
    assert_none,
    tree::{Text, read},
};

/// Each crate of ours, and those of ours that it may use.
const ARROWS: [(&str, &[&str]); 7] = [
    ("dashboards", &["shadow"]),
    ("extracted", &[]),
    ("proxy", &["dashboards", "extracted", "shadow"]),
    ("shadow", &[]),
    ("tests", &["dashboards", "extracted", "proxy", "shadow"]),
    ("tests/bench/comparing", &["shadow"]),
    ("tests/fuzz", &["extracted", "proxy", "shadow"]),
];

#[test]
fn arrows_point_one_way() {
    assert_none(
        &ARROWS.iter().flat_map(|it| wrong_arrows(it.0, it.1, &manifest(it.0))).collect::<Vec<_>>(),
    );
}

#[test]
fn every_crate_is_known_here() {
    let listed: BTreeSet<_> = members(&manifest(".")).into_iter().collect();
    assert_eq!(listed, ARROWS.iter().map(|it| it.0.to_owned()).collect());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    assert_none(
        &ARROWS.iter().filter_map(|it| own_lints(it.0, &manifest(it.0))).collect::<Vec<_>>(),
    );
}

#[test]
fn every_dependency_is_explained() {
    let manifests: Vec<_> = ARROWS.iter().map(|it| manifest(it.0)).collect();
    let explained = explained(&read("docs/dependencies.md"));
    assert_none(&unexplained(&manifest("."), &manifests, &explained));
}

fn manifest(directory: &str) -> Table {
    let file = read(&format!("{directory}/Cargo.toml"));
    file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path))
}

fn members(root: &Table) -> Vec<String> {
    let members = root.get("workspace").and_then(|it| it.get("members")?.as_array());
    members.into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

/// What a manifest depends on, in whatever section and for whatever target.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            found.extend(table.keys().cloned());
        } else if key == "target" || key == "workspace" || key.starts_with("cfg(") {
            found.append(&mut dependencies(table));
        }
    }
    found
}

fn wrong_arrows(name: &str, allowed: &[&str], manifest: &Table) -> Vec<String> {
    let ours = |it: &&String| ARROWS.iter().any(|(ours, _)| ours == it);
    let used = dependencies(manifest);
    let wrong = used.iter().filter(ours).filter(|it| !allowed.contains(&it.as_str()));
    wrong.map(|it| format!("{name} must not use {it}")).collect()
}

fn own_lints(name: &str, manifest: &Table) -> Option<String> {
    let taken = manifest.get("lints").and_then(|it| it.get("workspace")?.as_bool());
    (taken != Some(true)).then(|| format!("{name}/Cargo.toml lacks `[lints] workspace = true`"))
}

/// The crates in the first column of the table below `## Crates`.
fn explained(document: &Text) -> BTreeSet<String> {
    let lines = document.text.lines().skip_while(|it| *it != "## Crates").skip(1);
    let table = lines.take_while(|it| !it.starts_with("## "));
    table.filter_map(|it| Some(it.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

/// The workspace's list, what its crates use and what the document explains must be one set.
fn unexplained(root: &Table, manifests: &[Table], explained: &BTreeSet<String>) -> Vec<String> {
    let others = |mut all: BTreeSet<String>| {
        all.retain(|it| ARROWS.iter().all(|(ours, _)| ours != it));
        all
    };
    let listed = others(dependencies(root));
    let used = others(manifests.iter().flat_map(dependencies).collect());
    let mut faults = Vec::new();
    let mut check = |has: &BTreeSet<String>, lacks: &BTreeSet<String>, fault: &str| {
        faults.extend(has.difference(lacks).map(|it| format!("{it} {fault}")));
    };
    check(
        &listed,
        explained,
        "is not in docs/dependencies.md: say what it is for, and why this one",
    );
    check(explained, &listed, "is in docs/dependencies.md, but no dependency of the workspace");
    check(&used, &listed, "is used by a crate, but not listed in [workspace.dependencies]");
    check(&listed, &used, "is listed in [workspace.dependencies], but no crate uses it");
    faults
}

#[test]
fn a_forbidden_arrow_is_found_in_every_section() {
    for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.build-dependencies"] {
        let manifest =
            format!("[{section}]\nextracted.workspace = true\nbytes = \"1\"").parse().unwrap();
        assert_eq!(
            wrong_arrows("shadow", &[], &manifest),
            ["shadow must not use extracted"],
            "{section}"
        );
        assert!(wrong_arrows("tests", &["extracted"], &manifest).is_empty());
    }
}

#[test]
fn missing_lints_are_found() {
    let without = "[package]\nname = \"shadow\"".parse().unwrap();
    assert_eq!(
        own_lints("shadow", &without).unwrap(),
        "shadow/Cargo.toml lacks `[lints] workspace = true`"
    );
    assert_eq!(own_lints("shadow", &"[lints]\nworkspace = true".parse().unwrap()), None);
}

#[test]
fn lists_of_dependencies_that_differ_are_found() {
    let document = Text::new(
        "",
        "| `early` |\n## Crates\n| crate |\n| `http` | x |\n| `gone` | x |\n## Tools\n| `gcc` | x |",
    );
    let root =
        "[workspace.dependencies]\nhttp = \"1\"\nidle = \"1\"\nshadow = { path = \"shadow\" }"
            .parse()
            .unwrap();
    let member = "[dependencies]\nhttp.workspace = true\nstray = \"1\"".parse().unwrap();
    let faults = unexplained(&root, &[member], &explained(&document));
    let named: Vec<_> = faults.iter().filter_map(|it| it.split(' ').next()).collect();
    assert_eq!(named, ["idle", "gone", "stray", "idle"]);
}

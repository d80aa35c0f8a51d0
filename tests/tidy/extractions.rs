//! An extraction stands in four places: its handler, `all()`, routes.toml and its parity test.

use std::collections::BTreeSet;

use tests::project;
use toml::{Table, Value};

use crate::{
    assert_none,
    tree::{Text, read, texts},
};

#[test]
fn every_extraction_is_handled_routed_and_proved() {
    let registered: Vec<_> = extracted::all().iter().map(|it| it.id).collect();
    let routes = read("routes.toml").text.parse().unwrap();
    let proved = ids_below("tests/parity/", &texts());
    assert_none(&disagreements(&registered, &routed(&routes, &registered), &proved));
    let lost = |id: &&str| !project::root().join(handler(id)).is_file();
    let lost = registered.iter().copied().filter(lost);
    assert_none(
        &lost.map(|id| format!("{id} must be handled in {}", handler(id))).collect::<Vec<_>>(),
    );
}

#[test]
fn extractions_are_registered_in_alphabetical_order() {
    let registered: Vec<_> = extracted::all().iter().map(|it| it.id).collect();
    assert!(registered.is_sorted_by(|a, b| a < b), "{registered:?}");
}

fn handler(id: &str) -> String {
    format!("extracted/src/{}.rs", id.replace('.', "/"))
}

/// The routes that an extraction answers or is compared on, now or on another day.
fn routed(routes: &Table, registered: &[&str]) -> BTreeSet<String> {
    let text = |route: &Value, key: &str| Some(route.get(key)?.as_str()?.to_owned());
    let routes = routes.get("route").and_then(Value::as_array).into_iter().flatten();
    let concerned = routes.filter_map(|route| {
        let id = text(route, "id")?;
        let stage = text(route, "stage");
        let extracted =
            stage.is_some_and(|it| it != "monolith") || registered.contains(&id.as_str());
        extracted.then_some(id)
    });
    concerned.collect()
}

/// `catalog.show` for `FOLDERcatalog/show.rs`.
fn ids_below(folder: &str, files: &[Text]) -> BTreeSet<String> {
    let names = files.iter().filter_map(|it| it.path.strip_prefix(folder)?.strip_suffix(".rs"));
    let actions = names.filter(|it| *it != "mod" && !it.ends_with("/mod"));
    actions.map(|it| it.replace('/', ".")).collect()
}

fn disagreements(
    registered: &[&str],
    routed: &BTreeSet<String>,
    proved: &BTreeSet<String>,
) -> Vec<String> {
    let registered: BTreeSet<_> = registered.iter().copied().map(str::to_owned).collect();
    let known: BTreeSet<_> = [&registered, routed, proved].into_iter().flatten().collect();
    let mut faults = Vec::new();
    for id in known {
        let places = [
            (&registered, "all() in extracted/src/lib.rs".to_owned()),
            (routed, "a [[route]] in routes.toml".to_owned()),
            (proved, format!("tests/parity/{}.rs", id.replace('.', "/"))),
        ];
        for (_, place) in places.iter().filter(|(ids, _)| !ids.contains(id)) {
            faults.push(format!("{id} lacks {place}"));
        }
    }
    faults
}

#[test]
fn an_extraction_that_lacks_a_place_is_found() {
    let set = |ids: &[&str]| ids.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>();
    let none = BTreeSet::new();
    assert!(disagreements(&["a.b"], &set(&["a.b"]), &set(&["a.b"])).is_empty());
    assert_eq!(
        disagreements(&[], &set(&["a.b"]), &set(&["a.b"])),
        ["a.b lacks all() in extracted/src/lib.rs"]
    );
    assert_eq!(
        disagreements(&["a.b"], &none, &set(&["a.b"])),
        ["a.b lacks a [[route]] in routes.toml"]
    );
    assert_eq!(disagreements(&["a.b"], &set(&["a.b"]), &none), ["a.b lacks tests/parity/a/b.rs"]);
}

#[test]
fn a_route_concerns_an_extraction_by_its_stage_or_its_id() {
    let routes = "[[route]]\nid = \"a.shadowed\"\nstage = \"shadow\"\n\
                  [[route]]\nid = \"a.given_back\"\nstage = \"monolith\"\n\
                  [[route]]\nid = \"a.page\"\nstage = \"monolith\"";
    let found = routed(&routes.parse().unwrap(), &["a.given_back"]);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a.given_back", "a.shadowed"]);
}

#[test]
fn a_parity_test_is_named_by_its_path() {
    let files =
        ["tests/parity/mod.rs", "tests/parity/a/mod.rs", "tests/parity/a/b.rs", "tests/e2e/c.rs"];
    let found = ids_below("tests/parity/", &files.map(|it| Text::new(it, "")));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a.b"]);
}

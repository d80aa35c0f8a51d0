//! What the gem says of queries to the shop: `tests/vectors/graphql.json`.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::execute::checked;
use crate::rails::{
    graphql::{Refused, Unread, parse},
    params::Params,
};

/// A query with its variables and its operation's name.
type Query = (String, Value, Option<String>);

/// The errors before anything is executed; none, where it may be.
fn errors((query, variables, name): &Query) -> Result<String, Unread> {
    let given = Params::from_json(variables.to_string().as_bytes()).unwrap();
    let document = match parse(query) {
        Ok(document) => document,
        Err(Refused::Wrong(error)) => return Ok(serde_json::to_string(&[*error]).unwrap()),
        Err(Refused::Unread(unread)) => return Err(unread),
    };
    let errors = checked(&document, name.as_deref(), &given)?.err();
    Ok(serde_json::to_string(&errors).unwrap())
}

#[derive(Deserialize)]
struct Vectors {
    /// With the errors, or null.
    told: Vec<(Query, Value)>,
    /// Which Rails must answer.
    left: Vec<Query>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/graphql.json")).unwrap()
}

/// Compared as texts, since the order of members counts.
#[test]
fn a_query_is_refused_with_the_words_of_the_gem() {
    let told = vectors().told;
    assert!(told.len() > 100);
    let said = told.iter().map(|(query, said)| (query, said.to_string(), errors(query)));
    let wrong: Vec<_> = said.filter(|it| it.2.as_deref() != Ok(it.1.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_gem_says_otherwise_is_left_to_it() {
    let left = vectors().left;
    assert!(left.len() > 20);
    for query in left {
        assert!(errors(&query).is_err(), "{query:?}");
    }
}

#[test]
fn nothing_that_is_nested_or_doubled_without_end_is_followed() {
    let none = |query: String| errors(&(query, Value::Object(serde_json::Map::new()), None));
    let nested = "{a".repeat(50_000);
    assert!(none(nested).is_err());
    let lists = format!("query($a:{}", "[".repeat(50_000));
    assert!(none(lists).is_err());
    let mut doubled = String::from("{ product(id: 1) { ...F0 } }");
    for it in 0..40 {
        let next = format!("related {{ ...F{} }}", it + 1);
        write!(doubled, " fragment F{it} on Product {{ {next} a: {next} }}").unwrap();
    }
    assert!(none(doubled).is_err());
}

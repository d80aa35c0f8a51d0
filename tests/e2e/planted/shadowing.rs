//! Routes in shadow, each with rules for what the shop does to itself there, and with the monolith
//! asked twice on a share of the requests. Clocks may be minutes apart, since machines are busy where
//! this runs; what a mistake makes of them is further off.

use toml::{Table, Value};

use crate::support::routes;

/// The page is asked for twice always: in the middle of a text it counts its own views, and no rule
/// measures a number there.
const PAGE_THAT_COUNTS: &str = "catalog.product";

/// What is looked at most is another thing from one answer to the next while others look.
const POPULAR: &str =
    r#", { at = ":root > body > main > ul:nth-of-type(2)", why = "changes as others look" }"#;

/// Where the order of an object's members counts.
const ORDERED: &str = r#"{ at = "$.details", why = "a client shows them in this order" }"#;

/// What two answers of the shop itself differ in, by route: `tolerate` in TOML.
const TOLERATED: [(&str, &str); 5] = [
    (
        "catalog.list",
        r#"{ at = "$.generated_at", as = "time", within = "10m", why = "two clocks, and a queue between them" }"#,
    ),
    (
        "catalog.product",
        r#"{ at = ":root > body > main > ul", as = "any-order", why = "shuffled" }"#,
    ),
    (
        "catalog.show",
        r#"{ at = "$.views", as = "number", within = 10000, why = "every view counts one more" },
           { at = "$.viewed_at", as = "time", within = "10m", why = "two clocks, and a queue between them" },
           { at = "$.age_seconds", as = "number", within = 600, why = "two clocks, and a queue between them" },
           { at = "$.age_days", as = "number", within = 1, why = "two clocks" },
           { at = "$.related", as = "any-order", why = "shuffled" },
           { at = "$.promotions", as = "any-order", why = "the query has no order" }"#,
    ),
    (
        "notifications.api_list",
        r#"{ at = "$.notifications[*].age_seconds", as = "number", within = 600, why = "two clocks, and a queue between them" },
           { at = "$.notifications", as = "any-order", why = "the query has no order" }"#,
    ),
    (
        "onboarding.session",
        r#"{ at = "$.csrf_token", as = "masked-token", why = "masked anew for each answer" }"#,
    ),
];

/// The demo's route of this id, in shadow.
pub(super) fn shadowed(id: &str) -> Table {
    let table: Table = routes().parse().unwrap();
    let all = table["route"].as_array().unwrap();
    let found = all.iter().find(|it| it["id"].as_str() == Some(id));
    let found = found.unwrap_or_else(|| panic!("routes.toml has no route {id}"));
    route(id, found["match"].clone(), id)
}

/// A route of its own for one GET, judged as the one `like`.
pub(super) fn shadowed_like(like: &str, id: &str, path: &str) -> Table {
    let matching = Table::from_iter([("method", "GET"), ("path", path)].map(text));
    route(id, matching.into(), like)
}

pub(super) fn table(routes: Vec<Table>) -> String {
    Table::from_iter([("route".to_owned(), Value::from(routes))]).to_string()
}

fn route(id: &str, matching: Value, like: &str) -> Table {
    let tolerated = TOLERATED.iter().find(|(it, _)| *it == like).map_or("", |it| it.1);
    let noise = if like == PAGE_THAT_COUNTS { "100%" } else { "10%" };
    let popular = if like == "catalog.home" { POPULAR } else { "" };
    let ordered = if like == "catalog.show" { ORDERED } else { "" };
    let rules = format!(
        "tolerate = [{tolerated}]\n\
         order = [{ordered}]\n\
         ignore = [{{ at = \":root > body > footer::text\", why = \"when the page was made\" }}{popular}]"
    );
    let mut route: Table = rules.parse().unwrap();
    route.extend([("id", id), ("stage", "shadow"), ("noise", noise), ("timeout", "20s")].map(text));
    route.insert("match".to_owned(), matching);
    route
}

fn text((key, value): (&str, &str)) -> (String, Value) {
    (key.to_owned(), value.into())
}

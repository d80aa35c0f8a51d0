//! Route files, and the paths that they decide about.

use std::sync::LazyLock;

use http::Method;
use prometheus::Registry;
use proxy::{
    metrics::ProxyMetrics,
    route::{Compiled, Compiler, Faults, RouteTable, Severity},
};

/// Below this line, a golden file says what is made of it.
const DIVIDER: &str = "----------\n";

/// Templates of every kind, beside and within one another.
const ROUTES: &str = r#"
route = [
    { id = "root", stage = "monolith", match = { path = "/" } },
    { id = "list", stage = "monolith", match = { path = "/products" } },
    { id = "show", stage = "monolith", match = { path = "/products/{id}" } },
    { id = "json", stage = "monolith", match = { path = "/products/{id}.json" } },
    { id = "new", stage = "monolith", match = { method = "GET", path = "/products/new" } },
    { id = "review", stage = "monolith", match = { method = "POST", path = "/products/{id}/reviews/{review}" } },
    { id = "files", stage = "monolith", match = { path = "/products/{id}/{rest...}" } },
    { id = "escaped", stage = "monolith", match = { path = "/caf%c3%a9/{a}/b" } },
]
"#;

/// A file makes a table or is refused, twice alike, and every fault has a place in it.
pub(crate) fn file(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let text = text.split_once(DIVIDER).map_or(text, |(text, _)| text);
    match (compile(text), compile(text)) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.table.hash, other.table.hash);
            assert_eq!(one.warnings, other.warnings);
            for question in text.lines().filter_map(|it| it.strip_prefix("#? ")) {
                ask(&one.table, question);
            }
        }
        (Err(one), Err(other)) => {
            assert_eq!(one.to_string(), other.to_string());
            assert!(one.found.iter().any(|it| it.severity == Severity::Error));
            for fault in &one.found {
                // Behind the last line's end stands a line of which nothing is written.
                let line = text.split('\n').nth(fault.line - 1);
                let columns = line.map_or(0, |it| it.chars().count() + 1);
                assert!((1..=columns).contains(&fault.column), "{fault:?} is nowhere");
            }
        }
        (one, other) => panic!("{one:?}, then {other:?}"),
    }
}

/// A path goes to the same route as others that Rails does not tell from it.
pub(crate) fn path(input: &[u8]) {
    static TABLE: LazyLock<RouteTable> =
        LazyLock::new(|| compile(ROUTES).unwrap_or_else(|faults| panic!("{faults}")).table);
    if let Ok(question) = str::from_utf8(input) {
        ask(&TABLE, question);
    }
}

fn compile(text: &str) -> Result<Compiled, Faults> {
    let metrics = ProxyMetrics::register(&Registry::new());
    let metrics = metrics.unwrap_or_else(|error| panic!("an empty registry takes all: {error}"));
    Compiler { extractions: extracted::all(), metrics }.compile(text, "routes.toml")
}

/// `METHOD /path`
fn ask(table: &RouteTable, question: &str) {
    let Some((method, path)) = question.split_once(' ') else { return };
    let Ok(method) = method.parse::<Method>() else { return };
    if !path.starts_with('/') {
        return;
    }
    let route = table.find(&method, path);
    let params = route.pattern.params(path);
    for same in [path.replace('/', "//"), format!("{path}/"), swap_escapes(path)] {
        let other = table.find(&method, &same);
        assert_eq!((&route.id, &params), (&other.id, &other.pattern.params(&same)), "{same}");
    }
    assert!(route.methods.contains(&method));
}

/// The digits of percent escapes in the other case.
fn swap_escapes(path: &str) -> String {
    let mut parts = path.split('%');
    let mut swapped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        swapped.push('%');
        let is_escape = part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        let (digits, rest) = part.split_at(if is_escape { 2 } else { 0 });
        let swap = |it: char| match it {
            'A'..='F' => it.to_ascii_lowercase(),
            _ => it.to_ascii_uppercase(),
        };
        swapped.extend(digits.chars().map(swap));
        swapped.push_str(rest);
    }
    swapped
}

//! What handlers read of a request, as Rails would.

use extracted::rails::{query::Query, string};

/// A parameter stands for itself: what is written behind it changes only what it names.
pub(crate) fn query(input: &[u8]) {
    let Ok(raw) = str::from_utf8(input) else { return };
    let _ = string::to_i(raw);
    let Ok(query) = Query::parse(raw) else { return };
    assert_eq!(Query::parse(&raw.replace(';', "&")).as_ref(), Ok(&query));
    let Ok(longer) = Query::parse(&format!("{raw}&fuzz%3F=%41+b")) else { return };
    assert_eq!(longer.get("fuzz?"), Some("A b"));
    for pair in raw.split(['&', ';']) {
        let name = pair.split('=').next().unwrap_or_default();
        if name != "fuzz%3F" && !name.contains(['%', '+', '?']) {
            assert_eq!(longer.get(name), query.get(name), "{name}");
            assert_eq!(
                string::presence(query.get(name)).is_some(),
                query.get(name).is_some_and(|it| !it.trim().is_empty())
            );
        }
    }
}

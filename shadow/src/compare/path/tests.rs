//! What patterns read, and which places they are for.

use proptest::prelude::*;

use super::*;

fn path<'a>(root: Root, steps: &[Step<'a>]) -> Path<'a> {
    Path { root, steps: steps.to_vec() }
}

#[test]
fn patterns_read_as_they_are_written() {
    for text in [
        "status",
        "body",
        "headers.content-type",
        "headers.set-cookie._shop_session",
        "headers.set-cookie.locale.value",
        "$",
        "$.lines[*].price",
        "$.lines[2].price",
        "$.prices.*",
        "$[\"unit price\"].x",
        "$[\"a\\\"]\"][*]",
        "body[*][2]",
        "body.name",
        ":root",
        ":root[lang]",
        ":root > body > * > p:nth-of-type(2)::text",
        ":root > a[href]",
        ":root > body > div[data-cart].lines[*]",
        ":root > a\\:b[\\@click]",
    ] {
        assert_eq!(PathPattern::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn header_names_ignore_case() {
    let pattern = PathPattern::parse("headers.Content-Type").unwrap();
    assert!(pattern.matches(&path(Root::Headers, &[Step::Member("content-type")])));
}

#[test]
fn a_fault_is_named_with_its_place() {
    for (text, at, reason) in [
        ("", 1, "a path starts with"),
        ("lines", 1, "a path starts with"),
        ("statuses", 1, "a path starts with"),
        ("status.x", 9, "nothing can follow"),
        ("headers", 8, "name one header"),
        ("headers.a.b.c", 14, "name one header"),
        ("headers.set-cookie.a.value.b", 29, "name one header"),
        ("$lines", 1, "a path starts with"),
        ("$.", 3, "a name is"),
        ("$.lines[", 9, "an index is"),
        ("$.lines[x]", 9, "an index is"),
        ("$.lines[1", 10, "`]` must follow"),
        ("$.lines[1]x", 11, "`.` or `[` must follow"),
        ("$.a b", 4, "`.` or `[` must follow"),
        (":root >", 6, "` > `, `[attribute]` or `::text`"),
        (":root > ", 9, "a name is"),
        (":root > p:nth-of-type(0)", 23, "an index is"),
        (":root > p:nth-of-type(2", 24, "`)` must follow"),
        (":root > p::text > b", 16, "`.` or `[` must follow"),
        (":rooted", 6, "` > `, `[attribute]` or `::text`"),
        ("$[\"open", 2, "a quoted name"),
    ] {
        let error = PathPattern::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.reason.starts_with(reason), "{text}: {error}");
    }
}

#[test]
fn a_pattern_covers_what_is_below_it_and_matches_only_itself() {
    let pattern = PathPattern::parse("$.lines[*]").unwrap();
    let line = path(Root::Document, &[Step::Member("lines"), Step::Element(7)]);
    let mut price = line.clone();
    price.push(Step::Member("price"));
    assert!(pattern.matches(&line) && pattern.covers(&line) && pattern.covers(&price));
    assert!(!pattern.matches(&price));
    assert!(!pattern.covers(&path(Root::Document, &[Step::Member("lines")])));
    assert!(!pattern.covers(&path(Root::Body, &[Step::Member("lines"), Step::Element(7)])));
    let named = path(Root::Document, &[Step::Member("lines"), Step::Member("7")]);
    assert!(!pattern.covers(&named), "an index is not a name");
}

#[test]
fn a_selector_without_a_number_is_for_every_sibling() {
    let place = |nth| path(Root::Markup, &[Step::Child(Child { tag: "p", nth }), Step::Text]);
    let [all, second] = [":root > p", ":root > p:nth-of-type(2)"];
    let [all, second] = [all, second].map(|it| PathPattern::parse(it).unwrap());
    assert!(all.covers(&place(None)) && all.covers(&place(Some(2))));
    assert!(second.covers(&place(Some(2))));
    assert!(!second.covers(&place(Some(1))) && !second.covers(&place(None)));
    assert_eq!(place(Some(2)).to_string(), ":root > p:nth-of-type(2)::text");
    assert_eq!(place(Some(2)).grouped().to_string(), ":root > p::text");
}

#[test]
fn indices_are_grouped() {
    let price = path(Root::Document, &[Step::Element(3), Step::Member("a.b")]);
    assert_eq!(price.to_string(), "$[3][\"a.b\"]");
    assert_eq!(price.grouped().to_string(), "$[*][\"a.b\"]");
}

#[test]
fn elements_that_are_made_to_be_repeated_are_grouped_by_lists() {
    let nth = |tag, nth| Step::Child(Child { tag, nth: Some(nth) });
    let cell = path(Root::Markup, &[nth("p", 2), nth("tr", 3), nth("td", 4), Step::Text]);
    let by_lists = cell.grouped_by_lists().to_string();
    assert_eq!(by_lists, ":root > p:nth-of-type(2) > tr > td:nth-of-type(4)::text");
    let price = path(Root::Document, &[Step::Element(3), Step::Member("price")]);
    assert_eq!(price.grouped_by_lists().to_string(), "$[*].price");
}

proptest! {
    #[test]
    fn any_path_is_a_pattern_for_itself(names in prop::collection::vec(".*", 0..4)) {
        let steps: Vec<_> = names.iter().map(|it| Step::Member(it)).collect();
        let path = path(Root::Document, &steps);
        let pattern = PathPattern::parse(&path.to_string()).unwrap();
        prop_assert!(pattern.matches(&path));
    }

    #[test]
    fn any_place_in_a_page_is_a_pattern_for_itself(
        tags in prop::collection::vec(("[^*]+", prop::option::of(1_usize..9)), 0..4),
        attribute in ".+",
    ) {
        let children = tags.iter().map(|(tag, nth)| Step::Child(Child { tag, nth: *nth }));
        let steps: Vec<_> = children.chain([Step::Attribute(&attribute)]).collect();
        let path = path(Root::Markup, &steps);
        let pattern = PathPattern::parse(&path.to_string()).unwrap();
        prop_assert!(pattern.matches(&path));
        prop_assert_eq!(pattern.to_string(), path.to_string());
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(:root)?[$.\\[\\]*\"\\\\a-c0-9é >:]{0,20}") {
        let _ = PathPattern::parse(&text);
    }
}

#[test]
fn values_of_requests_are_revealed_by_name_and_have_no_rules() {
    for text in ["request.path.id", "request.query.*", "$.price"] {
        assert_eq!(PathPattern::parse_revealed(text).unwrap().to_string(), text);
    }
    for text in ["request.path", "request.body.x", "request.path.id.x", "request.", "request"] {
        assert!(PathPattern::parse_revealed(text).is_err(), "{text}");
    }
    assert!(PathPattern::parse("request.path.id").is_err());
}

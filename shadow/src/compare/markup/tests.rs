//! What means the same in markup, what does not, and where.

use proptest::prelude::*;
use time::macros::date;

use super::{compare::compare, *};
use crate::{
    Unknown,
    compare::{
        Class, Excuse, Fragment, Judgement, Matcher, PathPattern, Rule, Rules, Unreadable,
        charset::Charset, collector::Collector, headers::Nonces,
    },
};

/// The differences as `kind path`; cosmetic ones with `~`, those that rules excuse in brackets.
fn judged(control: &Element<'_>, candidate: &Element<'_>, rules: &[(&str, Excuse)]) -> Vec<String> {
    let rule = |(at, excuse): &(&str, Excuse)| Rule {
        at: PathPattern::parse(at).unwrap(),
        excuse: excuse.clone(),
        why: "test".to_owned(),
        until: None,
    };
    let rules = Rules::new(rules.iter().map(rule).collect());
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    compare(control, candidate, &mut collector);
    let comparison = collector.finish();
    let show = |it: &crate::compare::Finding<'_>| {
        let difference = &it.difference;
        let mark = if difference.class == Class::Cosmetic { "~" } else { "" };
        let text = format!("{mark}{} {}", difference.kind, difference.path);
        match it.judgement {
            Judgement::Excused(_) => format!("({text})"),
            _ => text,
        }
    };
    comparison.findings.iter().map(show).collect()
}

fn under(rules: &[(&str, Excuse)], control: &str, candidate: &str) -> Vec<String> {
    let [control, candidate] = [control, candidate].map(|it| Page::parse(it).unwrap());
    judged(
        &control.element(Nonces::default()).unwrap(),
        &candidate.element(Nonces::default()).unwrap(),
        rules,
    )
}

fn html(control: &str, candidate: &str) -> Vec<String> {
    under(&[], control, candidate)
}

fn xml(control: &str, candidate: &str) -> Vec<String> {
    let [control, candidate] =
        [control, candidate].map(|it| parse_xml(None, it.as_bytes()).unwrap());
    judged(&control, &candidate, &[])
}

#[test]
fn a_page_without_its_doctype_is_laid_out_otherwise() {
    let page = |doctype: &str| format!("{doctype}<p>x</p>");
    let legacy = r#"<!DOCTYPE html SYSTEM "about:legacy-compat">"#;
    assert!(html(&page("<!doctype HTML>"), &page(legacy)).is_empty());
    assert_eq!(html(&page("<!DOCTYPE html>"), &page("")), ["extra :root[compat-mode]"]);
    let transitional = r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "">"#;
    assert_eq!(html(&page(transitional), &page("")), ["changed :root[compat-mode]"]);
}

#[test]
fn what_a_browser_does_not_show_means_nothing() {
    for (control, candidate) in [
        ("<p class='a b' id=x>1</p>", "<P id=\"x\" class=\"b  a b\">1</P>"),
        ("<ul>\n  <li>1</li>\n  <li>2</li>\n</ul>", "<ul><li>1<li>2</ul>"),
        ("<p>one  two\n</p>", "<p> one two</p>"),
        ("<p>a<!-- c -->b</p><!-- d -->", "<p>ab</p>"),
        ("<input disabled=disabled>", "<input disabled>"),
        ("<div><b>a</b> <b>b</b> </div>", "<div> <b>a</b>\n<b>b</b></div>"),
        (
            "<!DOCTYPE html><title>x</title>",
            "<!DOCTYPE html><html><head><title>x</title></head><body></body></html>",
        ),
        ("<p>&eacute;&#x27;</p>", "<p>é'</p>"),
        ("<title> a\n b </title>\n<link>\n<meta>", "<title>a b</title><link><meta>"),
        (
            "<p>a</p>\n<script>x</script>\n<noscript>x</noscript>\n<p>b",
            "<p>a</p><script>x</script><noscript>x</noscript><p>b",
        ),
        (
            "<p> <picture>\n<source>\n<img>\n</picture>\n</p>",
            "<p><picture><source><img></picture></p>",
        ),
        ("<p>a <b> b </b> </p>", "<p>a <b>b</b></p>"),
        ("<p>a <br> b</p>", "<p>a<br>b</p>"),
        ("<p>a <!-- c --> b</p>", "<p>a <!-- c -->b</p>"),
        ("<p>a <script>x</script> b</p>", "<p>a <script>x</script>b</p>"),
        ("a <button>\nbuy </button>", "a <button>buy</button>"),
        ("<select>\n<option> 1 \n<option>2</select>", "<select><option>1<option>2</select>"),
        ("<form>\n<input type=Hidden>\n<input></form>", "<form><input type=Hidden><input></form>"),
        (
            "<svg>\n<g>\n<path/> <text> a </text>\n</g></svg>",
            "<svg><g><path/><text>a</text></g></svg>",
        ),
        ("<math> <mi> x </mi> <mo>+</mo></math>", "<math><mi>x</mi><mo>+</mo></math>"),
        ("<pre>\na</pre> <p>b", "<pre>a</pre><p>b"),
        ("<table> <tr> <td> 1 </td> </tr> </table>", "<table><tr><td>1</table>"),
    ] {
        assert!(html(control, candidate).is_empty(), "{control}\n{candidate}");
    }
}

#[test]
fn what_a_browser_shows_is_told_apart_at_its_place() {
    for (control, candidate, expected) in [
        ("<p>one</p>", "<p>two</p>", "changed :root > body > p::text"),
        ("<p>a <b>b</b></p>", "<p>a<b>b</b></p>", "changed :root > body > p::text"),
        ("<b>a</b> <b>b</b>", "<b>a</b><b>b</b>", "missing :root > body::text"),
        ("<pre>a  b</pre>", "<pre>a b</pre>", "changed :root > body > pre::text"),
        (
            "<pre><code>a\n  b</code></pre>",
            "<pre><code>a b</code></pre>",
            "changed :root > body > pre > code::text",
        ),
        ("<pre><b>a</b>\n<i>b</i>", "<pre><b>a</b><i>b</i>", "missing :root > body > pre::text"),
        ("<listing><b>a\n</b>", "<listing><b>a</b>", "changed :root > body > listing > b::text"),
        ("<textarea>a\nb", "<textarea>a b", "changed :root > body > textarea::text"),
        ("<p>a <wbr>b", "<p>a<wbr>b", "changed :root > body > p::text"),
        ("<p>a <script></script>b", "<p>a<script></script>b", "changed :root > body > p::text"),
        ("<p>a <input type=hidden>b", "<p>a<input type=hidden>b", "changed :root > body > p::text"),
        (
            "<my-price>1</my-price> <my-price>2</my-price>",
            "<my-price>1</my-price><my-price>2</my-price>",
            "missing :root > body::text",
        ),
        ("<p><b>a </b>b", "<p><b>a</b>b", "changed :root > body > p > b::text"),
        (
            "<svg><text>a <tspan>b</tspan></text></svg>",
            "<svg><text>a<tspan>b</tspan></text></svg>",
            "changed :root > body > svg > text::text",
        ),
        (
            "<svg><foreignObject><b>a</b> <i>b</i></foreignObject></svg>",
            "<svg><foreignObject><b>a</b><i>b</i></foreignObject></svg>",
            "missing :root > body > svg > foreignObject::text",
        ),
        ("<p>a&nbsp;b</p>", "<p>a b</p>", "changed :root > body > p::text"),
        ("<a href=/1>x</a>", "<a href=/2>x</a>", "changed :root > body > a[href]"),
        ("<input checked>", "<input>", "missing :root > body > input[checked]"),
        ("<p>1<p>2<p>3", "<p>1<p>x<p>3", "changed :root > body > p:nth-of-type(2)::text"),
        ("<p>1<p>2<p>3", "<p>1<p>3", "missing :root > body > p:nth-of-type(2)"),
        ("<h1>x</h1>", "<h2>x</h2>", "retyped :root > body > h1"),
        ("<p class=a>x", "<p class=b>x", "~changed :root > body > p[class]"),
        ("<p>1<p>2<p>3", "<p>3<p>1<p>2", "moved :root > body"),
    ] {
        assert_eq!(html(control, candidate), [expected], "{control}\n{candidate}");
    }
}

/// Whatever is not known as a block stands in a line of text.
#[test]
fn a_space_beside_what_stands_in_a_line_shows() {
    // Of what is not shown there are no two sides: a second space would be one too many.
    for (tags, spaces) in [
        (&["a", "b", "button", "font", "iframe", "object", "ruby", "x", "x-price"][..], 2),
        (&["noscript", "script", "style", "template"], 1),
    ] {
        for tag in tags {
            let page = |space: &str| format!("<p>a{space}<{tag}>b</{tag}>{space}c</p>");
            let expected = vec!["changed :root > body > p::text"; spaces];
            assert_eq!(html(&page(" "), &page("")), expected, "{tag}");
        }
    }
    for tag in ["blockquote", "div", "h1", "li", "section", "ul"] {
        let page = |space: &str| format!("a{space}<{tag}>{space}b{space}</{tag}>{space}c");
        assert!(html(&page(" \n"), &page("")).is_empty(), "{tag}");
    }
}

#[test]
fn what_rails_makes_anew_for_each_page_is_matched_and_nothing_else() {
    let token = |sign: &str| format!("{}w==", sign.repeat(85));
    let page = |token: &str, nonce: &str, digest: &str| {
        format!(
            "<meta name=csrf-token content=\"{token}\"><meta name=csp-nonce content=\"{nonce}\">
             <script nonce=\"{nonce}\" src=\"/assets/shop-{digest}.js\"></script>
             <form><input type=hidden name=authenticity_token value=\"{token}\"></form>"
        )
    };
    let control = page(&token("a"), "n1", &"0a".repeat(32));
    assert!(html(&control, &page(&token("b"), "n2", &"1b".repeat(32))).is_empty());
    assert_eq!(
        html(&control, &page("short", "", "x")),
        [
            "changed :root > head > meta:nth-of-type(1)[content]",
            "changed :root > head > meta:nth-of-type(2)[content]",
            "changed :root > head > script[nonce]",
            "changed :root > head > script[src]",
            "changed :root > body > form > input[value]",
        ]
    );
    let field = |value| format!("<input name=other value=\"{}\">", token(value));
    assert_eq!(html(&field("a"), &field("b")).len(), 1, "another field");
}

#[test]
fn inline_json_is_json() {
    let page = |data: &str, script: &str| {
        format!("<div data-cart='{data}'></div><script type=application/json>{script}</script>")
    };
    let control = page("{\"a\":1,\"b\":[1,2]}", "[{\"id\":1}]");
    assert!(html(&control, &page("{ \"b\":[1,2], \"a\":1 }", " [ {\"id\": 1} ]")).is_empty());
    assert_eq!(
        html(&control, &page("{\"a\":1,\"b\":[1,3]}", "[{\"id\":\"1\"}]")),
        ["changed :root > body > div[data-cart].b[1]", "retyped :root > body > script::text[0].id"]
    );
    assert_eq!(
        html(&control, &page("{\"a\"", "[{\"id\":1}]")),
        ["changed :root > body > div[data-cart]"]
    );
}

#[test]
fn elements_are_known_by_their_ids() {
    let control = "<ul><li id=a>1</li><li id=b>2</li></ul>";
    let candidate = "<ul><li id=c>0</li><li id=a>1</li><li id=b>3</li></ul>";
    assert_eq!(
        html(control, candidate),
        [
            "changed :root > body > ul > li:nth-of-type(2)::text",
            "extra :root > body > ul > li:nth-of-type(1)"
        ]
    );
}

#[test]
fn rules_excuse_places_in_pages() {
    let number =
        Excuse::Tolerate(Matcher::Number { within: crate::compare::Decimal::parse("5").unwrap() });
    let rules = [
        (":root > body > p > b::text", number),
        (":root > body > aside", Excuse::Ignore),
        (":root > body > ul", Excuse::Tolerate(Matcher::AnyOrder)),
        (":root > body > div[data-x].at", Excuse::Ignore),
    ];
    let control = "<p><b>10</b></p><aside>ad</aside><ul><li>1<li>2</ul><div data-x='{\"at\":1}'>";
    let candidate = "<p><b>12</b></p><aside>da</aside><ul><li>2<li>1</ul><div data-x='{\"at\":2}'>";
    assert_eq!(
        under(&rules, control, candidate),
        [
            "(changed :root > body > p > b::text)",
            "(changed :root > body > aside::text)",
            "(moved :root > body > ul)",
            "(changed :root > body > div[data-x].at)",
        ]
    );
    let beyond = candidate.replace("12", "16");
    assert_eq!(under(&rules, control, &beyond)[0], "changed :root > body > p > b::text");
}

#[test]
fn under_rules_each_node_is_looked_at_once_however_deep_it_is() {
    let asked = |depth: usize| {
        let page = |last: u8| {
            let [begin, end] = ["<div>", "</div>"].map(|it| it.repeat(depth));
            format!("{begin}{}<b>{last}</b>{end}", "<b class=a>x</b>".repeat(500))
        };
        let [one, other] = [page(1), page(2)].map(|it| Page::parse(&it).unwrap());
        let [one, other] = [&one, &other].map(|it| it.element(Nonces::default()).unwrap());
        let at = PathPattern::parse(":root > body > aside").unwrap();
        let rule = Rule { at, excuse: Excuse::Ignore, why: "test".to_owned(), until: None };
        let rules = Rules::new(vec![rule]);
        let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
        compare(&one, &other, &mut collector);
        let asked = collector.excuses().asked.get();
        assert_eq!(collector.finish().critical, 1);
        asked
    };
    let elements = 242;
    assert_eq!(asked(250), asked(8) + 2 * elements, "each element more once on either side");
}

#[test]
fn xml_is_compared_like_a_page() {
    let control = "<?xml version='1.0'?><feed xmlns='urn:f'>\n <item id='1' n='a'>x</item> </feed>";
    let same = "<f:feed xmlns:f='urn:f'><f:item n='a' id='1'>x</f:item><!-- c --></f:feed>";
    assert!(xml(control, same).is_empty());
    for (candidate, expected) in [
        ("<feed xmlns='urn:f'><item id='1' n='a'>x </item></feed>", "changed :root > item::text"),
        ("<feed xmlns='urn:f'><item id='2' n='a'>x</item></feed>", "changed :root > item[id]"),
        ("<feed xmlns='urn:g'><item id='1' n='a'>x</item></feed>", "changed :root[xmlns]"),
        ("<feed xmlns='urn:f'/>", "missing :root > item"),
    ] {
        assert_eq!(xml(control, candidate), [expected], "{candidate}");
    }
    for bad in ["", "<a>", "<a/>x", "<!DOCTYPE a", "<a>&b;</a>"] {
        assert_eq!(parse_xml(None, bad.as_bytes()), Err(Unreadable::Malformed), "{bad}");
    }
    let deep = format!("{}{}", "<a>".repeat(400), "</a>".repeat(400));
    assert!(parse_xml(None, deep.as_bytes()) == Err(Unreadable::TooLarge));
}

#[test]
fn an_element_is_shown_as_markup_and_cut_when_it_is_long() {
    let page = Page::parse("<!DOCTYPE html><p title='\"'>a <b>b</b>").unwrap();
    let expected = "<html><head></head><body><p title=\"&quot;\">a <b>b</b></p></body></html>";
    assert_eq!(page.element(Nonces::default()).unwrap().excerpt(), expected);
    let page = Page::parse(&"é".repeat(EXCERPT)).unwrap();
    let excerpt = page.element(Nonces::default()).unwrap().excerpt();
    assert!(excerpt.len() <= EXCERPT + '…'.len_utf8() && excerpt.ends_with("é…"));
}

#[test]
fn a_document_type_is_compared_and_none_that_declares_anything_is_read() {
    let doctype = |it: &str| format!("<?xml version='1.0'?><!-- <!DOCTYPE b> -->{it}\n<a t='1'/>");
    let svg = "<!DOCTYPE a PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://w3.org/svg11.dtd'>";
    let otherwise = svg.replace(" PUBLIC", "\n  PUBLIC");
    assert!(xml(&doctype(svg), &doctype(&otherwise)).is_empty());
    let other = svg.replace("svg11", "svg10");
    assert_eq!(xml(&doctype(svg), &doctype(&other)), ["changed :root[xml-doctype]"]);
    assert_eq!(xml(&doctype(svg), &doctype("")), ["missing :root[xml-doctype]"]);
    for declaring in ["<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!DOCTYPE a SYSTEM '>' [<!ENTITY b 'c'>]>"]
    {
        let found = parse_xml(None, doctype(declaring).as_bytes());
        assert_eq!(found, Err(Unreadable::Malformed), "{declaring}");
    }
}

#[test]
fn a_character_set_that_a_document_names_is_its_own() {
    let in_latin_1 = |it: &[u8]| [b"<?xml version='1.0' encoding = 'ISO-8859-1'?>", it].concat();
    let [one, other] = [b"<a>\xe9</a>", b"<a>\xe8</a>"].map(|it| in_latin_1(it));
    let [latin, utf_8] = [Some(Charset::Latin1), Some(Charset::Utf8)];
    for said in [None, latin] {
        let [one, other] = [&one, &other].map(|it| parse_xml(said, it).unwrap());
        assert_eq!(judged(&one, &other, &[]), ["changed :root::text"]);
    }
    assert_eq!(parse_xml(utf_8, &one), Err(Unreadable::Malformed), "headers have the say");
    let bare =
        parse_xml(None, "<?xml version='1.0' encoding='utf-8'?><a>é</a>".as_bytes()).unwrap();
    let named = parse_xml(utf_8, &in_latin_1("<a>é</a>".as_bytes())).unwrap();
    assert_eq!(judged(&bare, &named, &[]), ["extra :root[xml-encoding]"]);
    let misread = parse_xml(None, &in_latin_1("<a>é</a>".as_bytes())).unwrap();
    let expected = ["extra :root[xml-encoding]", "changed :root::text"];
    assert_eq!(judged(&bare, &misread, &[]), expected);
}

/// Each would take a minute without its limit.
#[test]
fn documents_that_are_made_to_be_slow_are_given_up() {
    let numbered = |count: usize, it: &str| {
        let all: Vec<_> = (0..count).map(|at| format!(" {it}{at}='{at}'")).collect();
        all.concat()
    };
    for (name, document) in [
        ("many attributes", format!("<a{}/>", numbered(95_000, "b"))),
        (
            "many namespaces",
            format!("<a{}>{}</a>", numbered(2_000, "xmlns:n"), "<b xmlns:m='1'/>".repeat(20_000)),
        ),
        ("deep", "<a>".repeat(1_000_000)),
    ] {
        let found = parse_xml(None, document.as_bytes());
        assert_eq!(found, Err(Unreadable::TooLarge), "{name}");
    }
    let many = "<b xmlns:m='1' m:a='1'>1</b><!-- <b --><![CDATA[<b>]]>".repeat(20_000);
    let feed = format!("<a{}>{many}</a>", numbered(10, "xmlns:n"));
    assert!(parse_xml(None, feed.as_bytes()).is_ok(), "a feed");
}

/// Each would take minutes or gigabytes without its limit.
#[test]
fn pages_that_are_made_to_be_slow_are_given_up() {
    let attributes: Vec<_> = (0..100_000).map(|it| format!(" a{it}")).collect();
    let formatting: Vec<_> = (0..200).map(|it| format!("<b id={it}>")).collect();
    let [attributes, formatting] = [attributes, formatting].map(|it| it.concat());
    for (name, page) in [
        ("deep", "<div>".repeat(1_000_000)),
        ("one tag that does not end", format!("<p{attributes}")),
        ("many tags with many attributes", format!("<p{}>", &attributes[..80_000]).repeat(9)),
        (
            "html again",
            "<html a=1>".to_owned() + &format!("<html{}>", &attributes[..40_000]).repeat(9),
        ),
        (
            "formatting that is opened again",
            format!("<p>{formatting}</p>{}", "<p>x".repeat(500_000)),
        ),
    ] {
        let page = Page::parse(&page);
        assert_eq!(page.map(|_| ()), Err(Unknown::TooLarge), "{name}");
    }
}

#[test]
fn a_long_attribute_is_no_reason_to_give_up() {
    let digits = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAD/".repeat(10_000);
    let image = format!("<img src='data:image/png;base64,{digits}'>");
    assert!(Page::parse(&image).is_ok());
}

#[test]
fn every_finding_of_a_page_has_both_sides_values() {
    let [control, candidate] = ["<p>a", "<p>b"].map(|it| Page::parse(it).unwrap());
    let [control, candidate] = [
        control.element(Nonces::default()).unwrap(),
        candidate.element(Nonces::default()).unwrap(),
    ];
    let rules = Rules::default();
    let mut collector = Collector::new(rules.on(date!(2026 - 11 - 24)));
    compare(&control, &candidate, &mut collector);
    let comparison = collector.finish();
    let difference = &comparison.findings[0].difference;
    assert_eq!(difference.control, Some(Fragment::Text("a")));
    assert_eq!(difference.candidate, Some(Fragment::Text("b")));
}

proptest! {
    #[test]
    fn white_space_shows_between_words_of_a_line_and_not_between_blocks(
        words in prop::collection::vec("[a-z]{1,3}", 2..6),
        tag in "(a|b|span|x-y)",
        at: prop::sample::Index,
        spaces in "[ \n\t]{1,3}",
    ) {
        let line = |space: &dyn Fn(usize) -> String| -> String {
            let word = |(at, it): (usize, &String)| format!("<{tag}>{it}</{tag}>{}", space(at));
            words.iter().enumerate().map(word).collect()
        };
        let at = at.index(words.len() - 1);
        let dense = line(&|_| String::new());
        let spaced = line(&|it| if it == at { spaces.clone() } else { String::new() });
        prop_assert_eq!(html(&dense, &spaced), ["extra :root > body::text"]);
        let blocks = |space: &str| format!("{space}<div>{space}{spaced}{space}</div>{space}").repeat(2);
        prop_assert!(html(&blocks(""), &blocks(&spaces)).is_empty());
    }

    #[test]
    fn no_text_breaks_the_reader_and_every_page_equals_itself(
        text in "(<(p|b|i|table|tr|td|a href|select|option|template|svg|noscript|/noscript|/p|/b|/table|div id=x)>|[ a&<>\"'=/-]|é|<!--|-->){0,30}"
    ) {
        let [one, other] = [&text, &text].map(|it| Page::parse(it).unwrap());
        prop_assert!(judged(&one.element(Nonces::default()).unwrap(), &other.element(Nonces::default()).unwrap(), &[]).is_empty());
    }

    #[test]
    fn no_bytes_break_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse_xml(None, &bytes);
        let text = Charset::latin_1(&bytes);
        prop_assert!(Page::parse(&text).unwrap().element(Nonces::default()).is_ok());
    }

    #[test]
    fn a_changed_text_is_found_at_its_place(at in 0..20_usize) {
        let list = |changed: Option<usize>| {
            let item = |it| format!("<li>{}</li>", if changed == Some(it) { 99 } else { it });
            format!("<ul>{}</ul>", (0..20).map(item).collect::<String>())
        };
        let expected = format!("changed :root > body > ul > li:nth-of-type({})::text", at + 1);
        prop_assert_eq!(html(&list(None), &list(Some(at))), [expected]);
    }
}

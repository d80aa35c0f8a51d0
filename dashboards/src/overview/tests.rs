//! What a migration lead reads on the first page.

use super::*;
use crate::fixtures::{NOW, Rendered, SCRIPT, live, not_ready, ready, report, table, undecided};

fn render(table: LiveTable, reports: Vec<RouteReport>) -> Rendered {
    Rendered::new(&Page { overview: Overview::new(table, reports), now: NOW })
}

#[test]
fn it_opens_with_the_share_that_rust_answers() {
    let page = render(table(vec![live("a", "shadow"), live("b", "extracted")]), Vec::new());
    assert_eq!(page.text("h1"), "25.0 % of the shop’s traffic is answered by Rust");
    assert_eq!(page.attribute(".hero .bar", "aria-label"), Some("500 Rust, 1,500 monolith"));
}

#[test]
fn a_row_tells_stage_verdict_outcomes_and_latencies() {
    let route = LiveRoute { fallbacks: 3, failed: 2, ..live("catalog.show", "extracted") };
    let verdict = not_ready("40 requests differ.");
    let page = render(table(vec![route]), vec![report("catalog.show", verdict)]);

    assert_eq!(page.text("tbody th"), "catalog.show GET /api/products/{id}");
    assert_eq!(
        page.texts("tbody td"),
        [
            "extracted",
            "not ready40 requests differ.",
            "95.0 %800 matched 150 ignored 9 unknown",
            "50 requests40 critical12 cosmetic",
            "1,0002 failed",
            "Rust 25.0 %3 fallbacks",
            "monolith 12 ms / 48 ms Rust 900 µs / 3.8 ms",
        ]
    );
    assert_eq!(
        page.attribute(".outcomes .bar", "aria-label"),
        Some("800 matched, 150 ignored, 50 mismatched, 9 unknown")
    );
}

#[test]
fn an_undecided_route_says_how_much_is_missing_and_how_long_that_takes() {
    let verdict = undecided(3_000, "");
    let page = render(table(vec![live("a", "shadow")]), vec![report("a", verdict)]);
    let expected = "undecided3,000 more requests, 30 min at the present rate";
    assert_eq!(page.text(".verdict"), expected);
}

#[test]
fn only_a_ready_route_that_is_still_in_shadow_is_a_next_step() {
    let routes = vec![live("a", "shadow"), live("b", "extracted"), live("c", "shadow")];
    let undecided = undecided(1, "");
    let reports = vec![report("a", ready()), report("b", ready()), report("c", undecided)];
    let page = render(table(routes), reports);
    assert_eq!(page.texts(".next a"), ["a"]);
}

#[test]
fn a_service_that_is_ready_goes_to_the_stage_upstream() {
    let service = LiveRoute { candidate: Some("returns-svc".into()), ..live("a", "shadow") };
    let page = render(table(vec![service]), vec![report("a", ready())]);
    assert_eq!(
        page.text(".next"),
        "Next: a is ready. Set stage = \"upstream\" and upstream = \"returns-svc\" on it in \
         routes.toml, and leave candidate out."
    );
    assert!(page.text(".latency").contains("returns-svc 900 µs"), "{}", page.text(".latency"));
    let page = render(table(vec![live("a", "shadow")]), vec![report("a", ready())]);
    assert!(page.text(".next").contains("Set stage = \"extracted\" on it"));
}

#[test]
fn a_route_that_left_the_table_keeps_its_report() {
    let page = render(table(vec![live("a", "shadow")]), vec![report("gone", ready())]);
    assert_eq!(page.texts("tbody th a"), ["a", "gone"]);
    assert_eq!(page.texts(".pill.stage-removed"), ["removed"]);
    assert!(page.text(".facts dd").starts_with("1 "), "{}", page.text(".facts dd"));
}

#[test]
fn without_any_comparison_it_says_what_to_do_next() {
    let page = render(table(vec![live("a", "monolith")]), Vec::new());
    assert_eq!(page.text(".empty h2"), "No comparison yet");
    assert!(page.text(".empty").contains("stage = \"shadow\""));

    let page = render(table(vec![live("a", "shadow")]), Vec::new());
    assert_eq!(page.texts(".empty"), [""; 0]);
    assert_eq!(page.text(".verdict"), "waitingno request compared yet");
}

#[test]
fn a_rejected_file_is_told_with_its_faults() {
    let rejected = Some("routes.toml:4:8: \"x\" must start with `/`".into());
    let page = render(LiveTable { last_rejected: rejected, ..table(Vec::new()) }, Vec::new());
    assert!(page.text(".warning").contains("Generation 7 stays in force"));
    assert_eq!(page.text(".warning pre"), "routes.toml:4:8: \"x\" must start with `/`");
}

#[test]
fn no_value_is_read_as_html() {
    let route =
        LiveRoute { path: SCRIPT.into(), methods: vec![SCRIPT.into()], ..live(SCRIPT, "shadow") };
    let verdict = not_ready(SCRIPT);
    let table =
        LiveTable { last_rejected: Some(SCRIPT.into()), hash: SCRIPT.into(), ..table(vec![route]) };
    let page = render(table, vec![report(SCRIPT, verdict)]);
    assert!(page.is_inert());
    assert_eq!(page.text("tbody th a"), SCRIPT);
}

//! What a migration lead reads on a route's page.

use std::collections::BTreeMap;

use shadow::{RouteReport, RuleReport, Suggestion};

use super::*;
use crate::{
    fixtures::{
        NOW, Rendered, SCRIPT, difference, earlier, live, not_ready, ready, report, undecided,
    },
    live::LiveRoute,
};

fn render(
    live: Option<LiveRoute>,
    report: Option<RouteReport>,
    differences: Vec<DifferenceReport>,
) -> Rendered {
    let id = live.as_ref().map_or_else(|| "gone".into(), |it| it.id.clone());
    let status = RouteStatus { id, live, report };
    Rendered::new(&Page { details: Details { status, differences }, now: NOW })
}

#[test]
fn the_verdict_is_told_in_words_with_what_is_missing() {
    let verdict = undecided(3_000, "3000 more requests");
    let page = render(Some(live("a", "shadow")), Some(report("a", verdict)), Vec::new());
    assert_eq!(
        page.text(".judgement"),
        "Too early to tell Still missing: 3000 more requests. At the present rate that takes \
         30 min. Budget: at most 0.1 % of the requests with a critical difference, 1 % with a \
         cosmetic one; with 95 % confidence, after 1 d at least."
    );

    let verdict = not_ready("critical differences in 2 of 3 requests");
    let page = render(Some(live("a", "shadow")), Some(report("a", verdict)), Vec::new());
    assert!(
        page.text(".judgement").starts_with("Not ready Critical differences in 2 of 3 requests.")
    );
}

#[test]
fn each_kind_of_requests_has_a_row_with_a_verdict_of_its_own() {
    let page = render(Some(live("a", "shadow")), Some(report("a", ready())), Vec::new());
    assert_eq!(
        page.texts("[aria-labelledby=strata] tbody tr"),
        [
            "2xx signed-out application/json97048521 critical · 0 cosmetic0ready",
            "4xx signed-in application/json30154 critical · 0 cosmetic71,234 more",
            "not known the monolith’s answer was not seen2",
        ]
    );
    assert_eq!(page.texts("[aria-labelledby=earlier]").len(), 0, "nothing has changed yet");
    assert!(page.texts("#sampled").is_empty());
    let report = RouteReport { distinct_one_in: 2_048, ..report("a", ready()) };
    let page = render(Some(live("a", "shadow")), Some(report), Vec::new());
    assert!(page.text("#sampled").ends_with("of further ones one in 2,048 counts."));
}

#[test]
fn what_was_counted_before_a_change_stays_to_be_read_with_the_reason() {
    let reason = Some("the monolith changed from 40 to 41".into());
    let report = RouteReport { reason, earlier: vec![earlier()], ..report("a", ready()) };
    let page = render(Some(live("a", "shadow")), Some(report), Vec::new());
    assert_eq!(
        page.text("section[aria-labelledby=earlier] p"),
        "Counted anew since 2026-11-24 11:50:00 UTC: the monolith changed from 40 to 41."
    );
    assert_eq!(
        page.texts("section[aria-labelledby=earlier] tbody tr"),
        ["2026-11-24 11:50:00 UTC0.1.0-3f9ac21e409000103"]
    );
}

#[test]
fn unknowns_are_told_by_reason_with_a_remedy() {
    let page = render(Some(live("a", "shadow")), Some(report("a", ready())), Vec::new());
    let rows = page.texts("[aria-labelledby=unknowns] tbody tr");
    assert_eq!(rows.len(), 1, "a reason that never happened is left out: {rows:?}");
    assert!(rows[0].starts_with("timed_out9No answer before the deadline."), "{rows:?}");
}

#[test]
fn what_the_extraction_declines_is_told_as_a_share_that_the_monolith_goes_on_answering() {
    let told = |unknowns| {
        let report = RouteReport { unknowns, ..report("a", ready()) };
        render(Some(live("a", "shadow")), Some(report), Vec::new()).texts("#declined").pop()
    };
    let declined = BTreeMap::from([(Unknown::Declined, 250)]);
    assert_eq!(
        told(declined).as_deref(),
        Some(
            "The extraction declines 20.0 % of the requests: the monolith goes on answering these."
        )
    );
    assert_eq!(told(BTreeMap::from([(Unknown::Raced, 250)])), None);
}

#[test]
fn what_matched_by_digest_alone_is_told_and_what_raced_can_be_looked_at() {
    let raced = BTreeMap::from([(Unknown::Raced, 1)]);
    let report = RouteReport { unknowns: raced, ..report("a b", ready()) };
    let page = render(Some(live("a b", "shadow")), Some(report), Vec::new());
    assert_eq!(page.text(".rows dt"), "matched 3 by digest alone");
    let link = page.attribute("[aria-labelledby=unknowns] a", "href");
    assert_eq!(link, Some("/routes/a%20b/raced"));
}

#[test]
fn what_agrees_is_not_said_to_be_the_same() {
    let page = render(Some(live("a", "shadow")), Some(report("a", ready())), Vec::new());
    assert_eq!(page.text(".figure"), "95.0 % of 1,000 compared answers differ nowhere that counts");
}

#[test]
fn a_service_that_is_compared_has_its_name() {
    let service = LiveRoute { candidate: Some("returns-svc".into()), ..live("a", "shadow") };
    let page = render(Some(service), Some(report("a", ready())), Vec::new());
    let rows = page.texts("[aria-labelledby=latency] tbody th");
    assert_eq!(rows, ["monolith", "returns-svc"]);
}

#[test]
fn differences_are_listed_and_open_side_by_side() {
    let differences =
        vec![difference("$.lines[*].price", 50, 0), difference("$.viewed_at", 0, 1_021)];
    let page = render(Some(live("a b", "shadow")), Some(report("a b", ready())), differences);
    assert_eq!(
        page.texts("[aria-labelledby=differences] tbody tr"),
        [
            "$.lines[*].price changed critical 50 – 3 min ago Side by side",
            "$.viewed_at changed critical 0 1,021clock, until 2027-03-31 3 min ago Side by side",
        ]
    );
    assert_eq!(page.texts("tr.calm").len(), 1);
    assert_eq!(page.attribute("tbody th a", "href"), Some("/routes/a%20b/differences/a%2F4"));
}

#[test]
fn an_expired_rule_is_told_beside_the_difference_that_counts_again() {
    let mut expired = difference("$.viewed_at", 7, 1_021);
    expired.rule = expired.rule.map(|it| RuleReport { expired: true, ..it });
    let page = render(Some(live("a", "shadow")), None, vec![expired]);
    assert_eq!(page.text("tr .watch"), "clock, expired on 2027-03-31");
}

#[test]
fn rules_for_what_looks_like_noise_are_ready_to_be_pasted() {
    let mut noisy = difference("$.request", 37, 0);
    noisy.suggestion = Some(Suggestion {
        rule: "{ at = \"$.request\", as = \"uuid\", why = \"\", until = 2027-02-22 }".into(),
        excuses: 34,
        of: 37,
        critical: true,
    });
    let page = render(Some(live("a", "shadow")), None, vec![noisy, difference("$.b", 1, 0)]);
    assert_eq!(
        page.text("pre"),
        "tolerate = [ # A critical difference. Would have excused 34 of 37 requests that differ \
         here, and nothing else; 3 would still count. { at = \"$.request\", as = \"uuid\", why = \
         \"\", until = 2027-02-22 }, ]"
    );
    let page = render(Some(live("a", "shadow")), None, vec![difference("$.b", 1, 0)]);
    assert!(page.texts("pre").is_empty());
}

#[test]
fn each_empty_state_says_what_to_do_next() {
    let text = |live| render(Some(live), None, Vec::new()).text(".empty");
    assert!(text(live("a", "shadow")).contains("waits for its first request"));
    assert!(text(live("a", "monolith")).contains("set its stage = \"shadow\""));
    let extracted = text(live("a", "extracted"));
    assert!(extracted.contains("On sample of the route’s safe requests"), "{extracted}");
    assert!(!extracted.contains("shadow"), "nobody goes back for nothing: {extracted}");
    let compared = render(None, Some(report("gone", ready())), Vec::new());
    assert!(compared.text(".empty").starts_with("None so far"));
}

#[test]
fn no_value_is_read_as_html() {
    let verdict = not_ready(SCRIPT);
    let page = render(
        Some(live(SCRIPT, "shadow")),
        Some(report(SCRIPT, verdict)),
        vec![difference(SCRIPT, 1, 0)],
    );
    assert!(page.is_inert());
    assert_eq!(page.text("[aria-labelledby=differences] tbody th code"), SCRIPT);
}

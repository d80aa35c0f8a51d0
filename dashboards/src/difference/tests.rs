//! What a migration lead reads on a difference's page.

use shadow::Side;

use super::*;
use crate::fixtures::{NOW, Rendered, SCRIPT, difference, sample, side};

fn render(path: &str, samples: Vec<Sample>) -> Rendered {
    render_beside(Candidate::Rust, path, samples)
}

fn render_beside(candidate: Candidate, path: &str, samples: Vec<Sample>) -> Rendered {
    let details = Details { difference: difference(path, 58, 3), samples };
    Rendered::new(&Page { details, candidate, now: NOW })
}

#[test]
fn it_tells_what_differs_how_often_and_since_when() {
    let page = render("$.price", Vec::new());
    assert_eq!(page.text("h1"), "$.price");
    let text = page.text(".meaning");
    assert!(text.contains("the values differ. 58 requests so far"), "{text}");
    assert!(text.contains("3 more that a rule excuses; first seen 5 h ago"), "{text}");
}

#[test]
fn a_sample_shows_both_values_and_marks_the_place_in_both_bodies() {
    let body = |price: &str| format!("{{\n  id: 7,\n  price: {price}\n}}");
    let (old, new) = ("\"19.90\"", "\"19.9\"");
    let page =
        render("$.price", vec![sample("$.price", side(old, &body(old)), side(new, &body(new)))]);

    assert_eq!((page.text("del"), page.text("ins")), (old.into(), new.into()));
    assert_eq!(page.texts(".changed .control.marked"), ["price: \"19.90\""]);
    assert_eq!(page.texts(".changed .candidate.marked"), ["price: \"19.9\""]);
    assert!(page.attribute("details", "open").is_some(), "the newest sample is open");
}

#[test]
fn a_side_that_has_nothing_there_says_so() {
    let nothing = Side { status: 404, value: None, body: String::new() };
    let page = render("$.price", vec![sample("$.price", side("1", ""), nothing)]);
    assert_eq!(page.texts(".sides td"), ["1", "nothing there"]);
    assert_eq!(page.texts(".sides th"), ["monolith status 200", "Rust status 404"]);
    assert_eq!(page.texts(".bodies"), [""; 0]);
}

#[test]
fn a_sample_can_be_replayed_unless_a_service_was_compared() {
    let hint = |candidate| {
        let samples = vec![sample("$.price", side("1", ""), side("2", ""))];
        let page = render_beside(candidate, "$.price", samples);
        (page.texts("details p"), page.texts(".sides th")[1].clone())
    };
    let (hints, rust) = hint(Candidate::Rust);
    assert_eq!((hints.len(), &*rust), (1, "Rust status 200"));
    let command = "--values --monolith URL --database URL";
    assert!(hints[0].contains("banyan replay") && hints[0].ends_with(command), "{hints:?}");
    let (hints, service) = hint(Candidate::Service("returns-svc".into()));
    assert_eq!((hints.len(), &*service), (0, "returns-svc status 200"));
}

#[test]
fn without_samples_it_says_how_one_comes_about() {
    assert!(render("$.price", Vec::new()).text(".empty").contains("No sample is kept"));
}

#[test]
fn no_value_is_read_as_html() {
    let hostile = Sample {
        request: SCRIPT.into(),
        request_id: SCRIPT.into(),
        ..sample(SCRIPT, side(SCRIPT, SCRIPT), side(SCRIPT, "x"))
    };
    let page = render_beside(Candidate::Service(SCRIPT.into()), SCRIPT, vec![hostile.clone()]);
    assert!(page.is_inert());
    let page = render(SCRIPT, vec![hostile]);
    assert!(page.is_inert());
    assert_eq!(page.text(".bodies .control"), SCRIPT);
}

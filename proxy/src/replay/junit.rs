//! The result of a replay as `JUnit`'s XML, which every CI shows: a suite for each route, a case for
//! each request that failed, and one for those that did not; and a suite for what of the recording
//! could not be read.
//!
//! Source: the schema of the Jenkins xUnit plugin, `junit-10.xsd`.

use std::fmt::Write as _;

use super::{
    tally::{Failing, RouteTally, Tally},
    text::STRAYED,
};
use crate::recording::Loss;

/// As `JUnit`'s XML.
pub(super) fn xml(tally: &Tally, loss: &Loss) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (route, it) in &tally.routes {
        suite(&mut text, &escaped(route), it);
    }
    recording(&mut text, loss);
    text.push_str("</testsuites>\n");
    text
}

/// What is missing is no failure of the handlers, and could have been one.
fn recording(text: &mut String, loss: &Loss) {
    let (missing, ordinary) = (loss.missing().sentences(), loss.ordinary().sentences());
    let (errors, skipped) = (missing.len(), ordinary.len());
    if errors + skipped == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "  <testsuite name=\"recording\" tests=\"{}\" failures=\"0\" errors=\"{errors}\" skipped=\"{skipped}\">",
        errors + skipped
    );
    let missing = missing.iter().map(|it| (it, "<error message=\"could not be replayed\"/>"));
    let ordinary = ordinary.iter().map(|it| (it, "<skipped/>"));
    for (it, result) in missing.chain(ordinary) {
        let _ = writeln!(
            text,
            "    <testcase classname=\"recording\" name=\"{it}\">{result}</testcase>"
        );
    }
    text.push_str("  </testsuite>\n");
}

/// Writing to a String cannot fail.
fn suite(text: &mut String, route: &str, tally: &RouteTally) {
    let failures = tally.failing.iter().filter(|it| it.unknown.is_none()).count();
    let errors = tally.failing.len() - failures;
    let same = tally.same + tally.noise;
    let counted = u64::from(same > 0) + u64::from(tally.omitted() > 0);
    let others = tally.skipped.len() as u64 + counted;
    let tests = tally.failing.len() as u64 + others;
    let (failures, skipped) = (failures + usize::from(tally.omitted() > 0), tally.skipped.len());
    let _ = writeln!(
        text,
        "  <testsuite name=\"{route}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">"
    );
    if same > 0 {
        let _ = writeln!(
            text,
            "    <testcase classname=\"{route}\" name=\"{same} requests without a difference\"/>"
        );
    }
    for (skip, count) in &tally.skipped {
        let name = format!("{count} requests skipped: {}", skip.label());
        let _ = writeln!(
            text,
            "    <testcase classname=\"{route}\" name=\"{name}\"><skipped/></testcase>"
        );
    }
    for it in &tally.failing {
        failing(text, route, it);
    }
    if tally.omitted() > 0 {
        let name = format!("{} more requests", tally.omitted());
        let _ = writeln!(
            text,
            "    <testcase classname=\"{route}\" name=\"{name}\"><failure message=\"not listed\"/></testcase>"
        );
    }
    if tally.strayed > 0 {
        let _ = writeln!(text, "    <system-out>{} {STRAYED}</system-out>", tally.strayed);
    }
    text.push_str("  </testsuite>\n");
}

fn failing(text: &mut String, route: &str, failing: &Failing) {
    let request = failing.request.as_ref().map_or_else(String::new, |it| format!(" {it}"));
    let name = escaped(&format!("request {}{request}", failing.id));
    let _ = writeln!(text, "    <testcase classname=\"{route}\" name=\"{name}\">");
    if let Some(why) = failing.missed() {
        let _ =
            writeln!(text, "      <error message=\"could not be compared: {}\"/>", escaped(&why));
    } else {
        let first = failing.differences.first();
        let message = first.map_or_else(String::new, |it| format!("{} {}", it.path, it.kind));
        let _ =
            write!(text, "      <failure type=\"difference\" message=\"{}\">", escaped(&message));
        for it in &failing.differences {
            let mut line = format!("{} {} ({})", it.path, it.kind, it.class);
            for (side, value) in [("monolith", &it.control), ("extraction", &it.candidate)] {
                if let Some(value) = value {
                    let _ = write!(line, "\n  {side}: {value}");
                }
            }
            text.push_str(&escaped(&line));
            text.push('\n');
        }
        if failing.omitted > 0 {
            let _ = writeln!(text, "{} more", failing.omitted);
        }
        text.push_str("</failure>\n");
    }
    text.push_str("    </testcase>\n");
}

/// What XML takes in texts and attributes; other control characters cannot be written in it at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(it),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            it if it.is_control() => escaped.push('\u{fffd}'),
            it => escaped.push(it),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use shadow::Unknown;

    use super::*;
    use crate::replay::tally::{Found, Skip};

    #[test]
    fn each_failing_request_is_a_case_and_the_others_are_counted() {
        let found = Found {
            path: "$.\"a<b\"".into(),
            kind: "changed".into(),
            class: "critical".into(),
            control: Some("\"\u{0}&\"".into()),
            candidate: None,
        };
        let failing = |id: &str| Failing {
            id: id.into(),
            request: None,
            unknown: None,
            why: None,
            differences: vec![found.clone()],
            omitted: 51,
        };
        let unknown = Some(Unknown::TimedOut.label().to_owned());
        let why = Some("the handler did not answer within 30s".to_owned());
        let late = Failing { unknown, why, differences: vec![], omitted: 0, ..failing("late") };
        let route = RouteTally {
            same: 5,
            noise: 2,
            different: 1,
            unknown: 1,
            strayed: 2,
            skipped: [(Skip::Write, 3)].into(),
            failing: vec![failing("wrong"), late],
        };
        let loss = Loss { torn: 1, other_key: 2, ..Loss::default() };
        let text = xml(&Tally { routes: [("catalog.show".to_owned(), route)].into() }, &loss);
        assert_eq!(
            text,
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="catalog.show" tests="4" failures="1" errors="1" skipped="1">
    <testcase classname="catalog.show" name="7 requests without a difference"/>
    <testcase classname="catalog.show" name="3 requests skipped: writes, without --writes"><skipped/></testcase>
    <testcase classname="catalog.show" name="request wrong">
      <failure type="difference" message="$.&quot;a&lt;b&quot; changed">$.&quot;a&lt;b&quot; changed (critical)
  monolith: &quot;�&amp;&quot;
51 more
</failure>
    </testcase>
    <testcase classname="catalog.show" name="request late">
      <error message="could not be compared: timed_out: the handler did not answer within 30s"/>
    </testcase>
    <system-out>2 answered by the monolith with another status than when recorded</system-out>
  </testsuite>
  <testsuite name="recording" tests="2" failures="0" errors="1" skipped="1">
    <testcase classname="recording" name="2 segments are encrypted with another key"><error message="could not be replayed"/></testcase>
    <testcase classname="recording" name="1 record was not written whole"><skipped/></testcase>
  </testsuite>
</testsuites>
"#
        );
    }
}

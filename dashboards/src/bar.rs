//! A thin bar that shows how a whole is divided. Drawn as SVG, since the content security policy
//! allows no style attributes; the figures stand beside it as text.

use std::fmt;

use askama::filters::HtmlSafe;
use shadow::words::percentage;

use crate::format::count;

/// What is too thin to be seen is drawn this wide, in percent of the bar: three mismatches among
/// a hundred thousand are the news.
const THINNEST: f64 = 1.5;

/// Parts of a whole, in the order in which they are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar(Vec<(&'static str, u64)>);

impl Bar {
    /// A bar of named parts. The name is also the CSS class that colours it.
    pub(crate) fn new(parts: impl Into<Vec<(&'static str, u64)>>) -> Self {
        Self(parts.into())
    }

    /// Each drawn part: its name, and where it begins and how wide it is, in percent.
    fn segments(&self) -> Vec<(&'static str, f64, f64)> {
        let whole: u64 = self.0.iter().map(|it| it.1).sum();
        let seen = self.0.iter().filter(|it| it.1 > 0);
        let widths: Vec<_> = seen.map(|it| (it.0, percentage(it.1, whole).max(THINNEST))).collect();
        let total: f64 = widths.iter().map(|it| it.1).sum();
        let mut start = 0.0;
        let place = |(name, width): (&'static str, f64)| {
            let width = width / total * 100.0;
            start += width;
            (name, start - width, width)
        };
        widths.into_iter().map(place).collect()
    }

    fn label(&self) -> String {
        let parts = self.0.iter().filter(|it| it.1 > 0);
        let texts: Vec<_> = parts.map(|(name, it)| format!("{} {name}", count(*it))).collect();
        if texts.is_empty() { "none yet".into() } else { texts.join(", ") }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label();
        f.write_str(
            r#"<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img""#,
        )?;
        write!(f, r#" aria-label="{label}">"#)?;
        for (name, start, width) in self.segments() {
            write!(f, r#"<rect class="{name}" x="{start:.2}" width="{width:.2}" height="1"/>"#)?;
        }
        f.write_str("</svg>")
    }
}

/// Names are ours and figures are digits: there is nothing to escape.
impl HtmlSafe for Bar {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_bar_in_order() {
        let bar = Bar::new([("matched", 3), ("ignored", 0), ("mismatched", 1)]);
        assert_eq!(bar.segments(), [("matched", 0.0, 75.0), ("mismatched", 75.0, 25.0)]);
    }

    #[test]
    fn a_rare_part_is_still_seen() {
        let bar = Bar::new([("matched", 100_000), ("mismatched", 3)]);
        let (name, start, width) = bar.segments()[1];
        assert_eq!(name, "mismatched");
        assert!(width > 1.0 && (start + width - 100.0).abs() < 0.001);
    }

    #[test]
    fn the_figures_are_there_for_those_who_do_not_see_it() {
        let html = Bar::new([("matched", 1_200), ("mismatched", 3)]).to_string();
        assert!(html.contains(r#"aria-label="1,200 matched, 3 mismatched""#), "{html}");
        assert!(Bar::new([("matched", 0)]).to_string().contains("none yet"));
    }
}

//! A route's `sample`: a share, a rate, or both and what is enough of a kind.

use shadow::Proof;
use toml::de::DeValue;

use super::{
    diagnostic::Findings,
    reader::{Section, Value, integer, name, parsed},
    values::Percent,
};
use crate::mirror::{Enough, Sample};

const ALL: Sample = Sample { percent: Percent::ALL, rate: None, enough: None };

/// As many as the store keeps of a route.
const MOST_OF_A_KIND: usize = 100_000;

/// Reads it; every request, where a route does not say. Faults are noted, and so is what keeps a route
/// from being watched for as long as its proof wants.
pub(super) fn read(
    section: &mut Section<'_>,
    proof: Proof,
    findings: &mut Findings<'_>,
) -> Option<Sample> {
    let Some(value) = section.get("sample") else { return Some(ALL) };
    match value.get_ref() {
        DeValue::String(_) => parsed(value, "", findings, short),
        DeValue::Table(_) => table(Section::of(value, "`sample`", findings)?, proof, findings),
        other => {
            let must = "`sample` must be a string such as \"25%\" or \"20/s\", or a table";
            findings.error(&value.span(), format!("{must}, not {}", name(other)));
            None
        }
    }
}

/// `"25%"` or `"20/s"`.
fn short(text: &str) -> Result<Sample, &'static str> {
    if text.ends_with("/s") {
        return rate(text).map(|rate| Sample { rate: Some(rate), ..ALL });
    }
    let must = "must be a percentage such as \"12.5%\", or a rate such as \"20/s\"";
    let percent = if text.ends_with('%') { text.parse()? } else { return Err(must) };
    Ok(Sample { percent, ..ALL })
}

fn table(mut section: Section<'_>, proof: Proof, findings: &mut Findings<'_>) -> Option<Sample> {
    let [percent, rate, per_kind, then] =
        ["percent", "rate", "per_kind", "then"].map(|it| section.get(it));
    section.finish(findings);
    let mut share = |value: Option<&Value<'_>>, must, otherwise| {
        value.map_or(Some(otherwise), |it| parsed(it, must, findings, str::parse))
    };
    let whole = share(percent, "`percent` must be a string such as \"25%\"", Percent::ALL);
    let rest = share(then, "`then` must be a string such as \"5%\"", Percent::ONE);
    let must = "`rate` must be a string such as \"20/s\"";
    let rate = rate.map_or(Some(None), |it| parsed(it, must, findings, self::rate).map(Some));
    let requests = per_kind.map_or(Some(None), |it| enough(it, findings).map(Some));
    if let (None, Some(then)) = (per_kind, then) {
        findings.error(&then.span(), "`then` is for what is more than `per_kind`: add that");
    }
    if let (Some(Percent::NONE), Some(then), false) = (rest, then, proof.time.is_zero()) {
        let message = "once there are enough of each kind nothing is compared any more, so the route \
                       may never be watched for its `proof.time`: leave `then` out, which is \"1%\", \
                       or set that to \"0s\"";
        findings.warning(&then.span(), message);
    }
    let then = rest?;
    let enough = requests?.map(|requests| Enough { requests, then });
    Some(Sample { percent: whole?, rate: rate?, enough })
}

fn enough(value: &Value<'_>, findings: &mut Findings<'_>) -> Option<usize> {
    let number = integer(value, "`per_kind` must be a whole number", findings)?;
    let number = usize::try_from(number).ok().filter(|it| (1..=MOST_OF_A_KIND).contains(it));
    if number.is_none() {
        findings.error(&value.span(), format!("`per_kind` must be from 1 to {MOST_OF_A_KIND}"));
    }
    number
}

/// `"20/s"`.
fn rate(text: &str) -> Result<u32, &'static str> {
    let must = "must be a rate from \"1/s\" to \"1000000/s\", such as \"20/s\"";
    let digits = text.strip_suffix("/s").filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let rate = digits.and_then(|it| it.parse().ok());
    rate.filter(|it| (1..=1_000_000).contains(it)).ok_or(must)
}

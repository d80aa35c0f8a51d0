//! What is kept of a comparison: its differences, each with a redacted sample.

use std::{collections::HashMap, mem};

use time::OffsetDateTime;

use crate::{
    Class, Observation, RequestSummary, Stratum, Subject,
    binding::Binding,
    compare::{Comparison, Difference, Finding, Fragment, Judgement, Outcome, Rule},
    noise::{Excused, Judged, Tallies},
    redact::{Redactor, method_name},
    report::{Marks, NewSample, NewSide, RuleNote, Seen, Signature},
    suggestion::{Forms, forms},
};

/// One request, compared.
pub(crate) struct Compared<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) request: &'a RequestSummary,
    /// The monolith's answer and the extraction's.
    pub(crate) sides: [&'a Observation; 2],
    pub(crate) stratum: Stratum,
    pub(crate) comparison: &'a Comparison<'a>,
    pub(crate) weighed: &'a Weighed,
    pub(crate) at: OffsetDateTime,
}

/// What a comparison comes to when noise is told from what counts.
pub(crate) struct Weighed {
    pub(crate) binding: Binding,
    pub(crate) noise: Excused,
    /// What the request says of what noise may hide.
    pub(crate) tallies: Tallies,
    /// What is left.
    pub(crate) counted: Marks,
}

impl Weighed {
    pub(crate) fn new(binding: Binding, comparison: &Comparison<'_>, judged: Judged) -> Self {
        let Judged { excused: noise, tallies } = judged;
        let counted = noise.left(comparison);
        Self { binding, noise, tallies, counted }
    }
}

/// A request whose differences are told, without what a buyer entered.
struct Telling<'a> {
    compared: &'a Compared<'a>,
    redactor: &'a Redactor,
    request: String,
    bodies: [String; 2],
}

/// The differences of one request, those in several elements of a list as one.
pub(crate) fn seen(compared: &Compared<'_>, redactor: &Redactor) -> Vec<Seen> {
    let Compared { comparison, weighed: Weighed { noise, .. }, .. } = compared;
    if comparison.findings.is_empty() {
        return Vec::new();
    }
    let telling = Telling::new(compared, redactor);
    let mut forms = forms(comparison, |it| signature(it, redactor));
    let mut seen: HashMap<Signature, Seen> = HashMap::new();
    for (index, finding) in comparison.findings.iter().enumerate() {
        let signature = signature(&finding.difference, redactor);
        let is_noise = noise.0.contains(&index);
        let counts = !is_noise && !matches!(finding.judgement, Judgement::Excused(_));
        let earlier = seen.get_mut(&signature);
        if let Some(earlier) = &earlier {
            // The sample shows a place that counts, if there is one.
            if !(earlier.excused && counts) {
                continue;
            }
        }
        let forms = match earlier {
            Some(earlier) => mem::take(&mut earlier.forms),
            None => forms.remove(&signature).map_or_else(Forms::default, Forms::one),
        };
        let (sample, rule) = (telling.sample(finding), note(finding.judgement));
        let (excused, noise) = (!counts, is_noise);
        let it = Seen { signature: signature.clone(), excused, noise, rule, forms, sample };
        seen.insert(signature, it);
    }
    seen.into_values().collect()
}

/// A sample of what counts in a request, the critical first: of the first place, with the number of
/// the others.
pub(crate) fn sample_of_all(compared: &Compared<'_>, redactor: &Redactor) -> Option<NewSample> {
    let critical_first = |it: &&Finding<'_>| it.difference.class == Class::Cosmetic;
    let finding = compared.counting().min_by_key(critical_first)?;
    let sample = Telling::new(compared, redactor).sample(finding);
    let others = compared.counting().count() as u64 - 1;
    Some(NewSample { omitted: sample.omitted + others, ..sample })
}

impl Compared<'_> {
    /// The differences that neither a rule nor noise excuses, as far as they are listed.
    pub(crate) fn counting(&self) -> impl Iterator<Item = &Finding<'_>> {
        let findings = self.comparison.findings.iter().enumerate();
        let counts = |(index, it): &(usize, &Finding<'_>)| {
            !self.weighed.noise.0.contains(index) && !matches!(it.judgement, Judgement::Excused(_))
        };
        findings.filter(counts).map(|it| it.1)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.comparison.outcome()
    }

    /// Whether what is left of the differences is nothing, though no rule excused them all.
    pub(crate) fn is_noise(&self) -> bool {
        self.outcome() == Outcome::Mismatched && self.weighed.counted.is_clean()
    }

    /// Whether it matched by the digests of bodies that nobody has kept.
    pub(crate) fn is_matched_by_digest(&self) -> bool {
        self.outcome() == Outcome::Matched && self.sides[0].body.whole().is_none()
    }
}

impl<'a> Telling<'a> {
    fn new(compared: &'a Compared<'a>, redactor: &'a Redactor) -> Self {
        let Compared { subject, request, sides, .. } = compared;
        let target = redactor.target(&request.template, &request.target, &subject.reveal);
        let bodies = sides.map(|it| redactor.body(it, &subject.reveal));
        let request = format!("{} {target}", method_name(&request.method));
        Self { compared, redactor, request, bodies }
    }

    fn sample(&self, finding: &Finding<'_>) -> NewSample {
        let Compared { subject, request, sides, stratum, comparison, at, .. } = self.compared;
        let difference = &finding.difference;
        let side = |index: usize, value: &Option<Fragment<'_>>| {
            let shown = |it: &_| self.redactor.fragment(it, &difference.path, &subject.reveal);
            NewSide {
                status: sides[index].status.as_u16(),
                value: value.as_ref().map(shown),
                body: self.bodies[index].clone(),
            }
        };
        NewSample {
            at: *at,
            stratum: stratum.as_str().to_owned(),
            request: self.request.clone(),
            request_id: request.id.clone(),
            path: self.redactor.path(&difference.path, |it| it.to_string()),
            omitted: comparison.omitted as u64,
            control: side(0, &difference.control),
            candidate: side(1, &difference.candidate),
        }
    }
}

fn signature(difference: &Difference<'_>, redactor: &Redactor) -> Signature {
    let (kind, class): (_, Class) = (difference.kind, difference.class);
    let path = redactor.path(&difference.path, |it| it.grouped().to_string());
    Signature { path, kind, class }
}

fn note(judgement: Judgement<'_>) -> Option<RuleNote> {
    let note = |rule: &Rule, expired| RuleNote {
        why: rule.why.clone(),
        until: rule.until.map(|it| it.to_string()),
        expired,
    };
    match judgement {
        Judgement::Counts => None,
        Judgement::Classed(rule) | Judgement::Excused(rule) => Some(note(rule, false)),
        Judgement::Expired(rule) => Some(note(rule, true)),
    }
}

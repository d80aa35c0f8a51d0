//! A route's `candidate`: the service that is compared with the monolith in a handler's place.

use std::sync::Arc;

use super::{
    diagnostic::Findings,
    reader::{Section, Value},
    upstreams::Upstreams,
};
use crate::upstream::Upstream;

/// What a route names as its candidate.
pub(super) struct Named<'a> {
    value: &'a Value<'a>,
    /// `None`: there is a fault.
    pub(super) service: Option<Arc<Upstream>>,
}

/// Reads it. Faults are noted.
pub(super) fn read<'a>(
    section: &mut Section<'a>,
    upstreams: &mut Upstreams,
    findings: &mut Findings<'_>,
) -> Option<Named<'a>> {
    let value = section.get("candidate")?;
    let service = upstreams.find("candidate", value, findings);
    Some(Named { value, service })
}

impl Named<'_> {
    /// The name, if it is one.
    pub(super) fn name(&self) -> Option<&str> {
        self.value.get_ref().as_str()
    }

    /// Notes what contradicts it.
    pub(super) fn check(
        &self,
        stage: &str,
        upstream: Option<&Value<'_>>,
        findings: &mut Findings<'_>,
    ) {
        if stage != "shadow" {
            let message = "`candidate` is for the stage \"shadow\": leave it out";
            findings.error(&self.value.span(), message);
        } else if upstream.is_some_and(|it| it.get_ref().as_str() == self.name()) {
            let message = "`candidate` is the route's own `upstream`, which answers the buyers: \
                           name another";
            findings.error(&self.value.span(), message);
        }
    }
}

//! Text of routes.toml → [`RouteTable`], or every fault of it in one run.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc, time::Duration};

use extracted::Extraction;
use sha2::{Digest as _, Sha256};
use shadow::Subject;
use toml::de::{DeTable, DeValue};

use super::{
    candidate,
    diagnostic::{Diagnostic, Faults, Findings, did_you_mean},
    guards, maintenance,
    methods::Methods,
    pattern::PathPattern,
    policy,
    reader::{Section, Value, array, integer, parsed, text},
    record, rules, sample,
    table::{Candidate, DEFAULT_TIMEOUT, Plan, Route, RouteTable, UNROUTED, Whole},
    upstreams::{self, Upstreams},
    values::{Percent, duration},
};
use crate::{
    extraction::guard::{Guard, Settings},
    limits::Policy,
    metrics::ProxyMetrics,
    mirror::{Sample, Sampler},
};

const STAGES: [&str; 4] = ["monolith", "upstream", "shadow", "extracted"];

/// What a route file is compiled with.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The handlers of this build.
    pub extractions: &'static [Extraction],
    /// Where the routes' series are.
    pub metrics: ProxyMetrics,
}

/// A table, and the warnings that its file gave.
#[derive(Debug)]
pub struct Compiled {
    /// The table.
    pub table: RouteTable,
    /// Findings that do not keep the file from being accepted.
    pub warnings: Vec<Diagnostic>,
    /// What is wrong with the file where nothing can be recorded.
    pub recording: Option<Diagnostic>,
}

impl Compiler {
    /// Looks at every value before giving up, so that one run shows every fault.
    ///
    /// # Errors
    /// All findings, if one of them is an error. `file` is the name that they are shown with, and in
    /// its folder are the files that the text names.
    pub fn compile(&self, text: &str, file: &str) -> Result<Compiled, Faults> {
        self.compile_after(None, text, file)
    }

    /// The same for a table that may replace `previous`: what is known of its servers stays known.
    ///
    /// # Errors
    /// As [`Compiler::compile`]; nothing changes for `previous` then.
    pub fn compile_after(
        &self,
        previous: Option<&RouteTable>,
        text: &str,
        file: &str,
    ) -> Result<Compiled, Faults> {
        let mut findings = Findings::new(text);
        let (document, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            findings.error(&error.span().unwrap_or(0..0), error.message());
        }
        let mut reading = Reading {
            compiler: self,
            previous,
            folder: Path::new(file).parent().unwrap_or(Path::new("")),
            upstreams: Upstreams::default(),
            findings: &mut findings,
            ids: HashMap::new(),
            recording: None,
        };
        // What stands around a syntax error may have been read wrongly: its faults would mislead.
        let table =
            if syntax.is_empty() { Some(reading.file(document.get_ref(), text)) } else { None };
        let recording = reading.recording;
        match (findings.finish(), table) {
            ((warnings, false), Some(table)) => Ok(Compiled { table, warnings, recording }),
            ((found, _), _) => Err(Faults { file: file.to_owned(), found }),
        }
    }
}

/// One pass over one file.
struct Reading<'a, 'text> {
    compiler: &'a Compiler,
    previous: Option<&'a RouteTable>,
    /// Where the files are that it names.
    folder: &'a Path,
    upstreams: Upstreams,
    findings: &'a mut Findings<'text>,
    /// Where each id was first used, also by routes that have another fault.
    ids: HashMap<String, usize>,
    /// The first route that says `record`.
    recording: Option<Diagnostic>,
}

/// A route, and where its id stands.
struct Placed {
    route: Route,
    span: Range<usize>,
}

impl Reading<'_, '_> {
    fn file(&mut self, document: &DeTable<'_>, text: &str) -> RouteTable {
        if document.is_empty() {
            // A writer that truncates first leaves this behind for a moment: it must not send all
            // traffic back to the monolith.
            let message = "the file is empty; for a table without routes, write only [monolith]";
            self.findings.error(&(0..0), message);
        }
        let mut root = Section::new(document, 0..0, "a route file");
        let context = upstreams::Context {
            previous: self.previous,
            folder: self.folder,
            metrics: self.compiler.metrics.upstreams(),
        };
        self.upstreams = Upstreams::read(&mut root, context, self.findings);
        let policy =
            policy::read(&mut root, Policy::default(), policy::Of::Everything, self.findings);
        let maintenance = maintenance::read(&mut root, None, self.findings);
        let digest = Sha256::digest(text);
        let whole = Whole { hash: hex::encode(&digest[..6]), policy, maintenance };
        let mut routes = Vec::new();
        if let Some(value) = root.get("route") {
            for value in array(value, "`route` must be written `[[route]]`", self.findings) {
                routes.extend(self.route(value, &whole));
            }
        }
        root.finish(self.findings);
        self.refuse_twins(&routes);
        let routes = routes.into_iter().map(|it| Arc::new(it.route)).collect();
        let upstreams = std::mem::take(&mut self.upstreams).finish(self.findings);
        RouteTable::new(whole, upstreams, routes, &self.compiler.metrics)
    }

    fn route(&mut self, value: &Value<'_>, whole: &Whole) -> Option<Placed> {
        let mut section = Section::of(value, "a [[route]]", self.findings)?;
        let id_value = section.require("id", self.findings);
        let id = id_value.and_then(|it| parsed(it, "`id` must be a string", self.findings, id));
        if let (Some(id), Some(value)) = (id, id_value) {
            self.refuse_used_id(id, &value.span());
        }
        let matched = section.require("match", self.findings);
        let matched = matched.and_then(|it| self.matches(it));
        let methods = matched.as_ref().map(|it| it.0);
        let named = section.get("upstream");
        let upstream = named.map(|it| self.upstreams.find("upstream", it, self.findings));
        let candidate = candidate::read(&mut section, &mut self.upstreams, self.findings);
        let timeout = section.get("timeout").map_or(Some(DEFAULT_TIMEOUT), |it| {
            parsed(it, "`timeout` must be a string such as \"300ms\"", self.findings, duration)
        });
        let priority = section
            .get("priority")
            .map_or(Some(0), |it| integer(it, "`priority` must be a whole number", self.findings));
        let noise = section.get("noise").map_or(Some(Percent::NONE), |it| {
            parsed(it, "`noise` must be a string such as \"5%\"", self.findings, str::parse)
        });
        let mut subject = rules::subject(&mut section, id.unwrap_or_default(), self.findings);
        subject.noise = noise.is_some_and(|it| it != Percent::NONE);
        let subject = bound(subject, (&matched, timeout), (named, candidate.as_ref()));
        let plan = self.plan(&mut section, (methods, named), candidate, &subject);
        let record = record::read(&mut section, self.findings);
        if let Some((_, needed)) = &record {
            self.recording.get_or_insert_with(|| needed.clone());
        }
        let guard = guards::read(&mut section, self.findings);
        let policy = policy::read(&mut section, whole.policy, policy::Of::Route, self.findings);
        let maintenance = whole.maintenance.as_ref();
        let maintenance = maintenance::read(&mut section, maintenance, self.findings);
        section.finish(self.findings);
        let (id, (methods, pattern)) = (id?, matched?);
        let plan = plan?;
        let guarded = matches!(plan, Plan::Extracted { .. });
        let route = Route {
            id: id.into(),
            methods,
            pattern,
            priority: priority?,
            plan,
            guard: guarded.then(|| self.guard(id, guard)),
            upstream: if upstream.is_some() { Some(upstream??) } else { None },
            timeout: timeout?,
            noise: noise?,
            record: record.map(|it| it.0),
            policy,
            maintenance,
            subject: Arc::new(subject),
            metrics: match named {
                Some(_) => self.compiler.metrics.route_with_upstream(id),
                None => self.compiler.metrics.route(id),
            },
        };
        Some(Placed { route, span: id_value?.span() })
    }

    /// The one of the table before, if it is the same.
    fn guard(&self, id: &str, settings: Settings) -> Arc<Guard> {
        let previous = self.previous.and_then(|it| it.guard(id));
        if let Some(guard) = previous.filter(|it| it.settings() == settings) {
            return Arc::clone(guard);
        }
        let metrics = self.compiler.metrics.extractions().breaker(id);
        Arc::new(Guard::new(id.into(), settings, metrics))
    }

    /// The one of the table before, if nothing has changed that it is for.
    fn sampler(&self, sample: Sample, subject: &Subject) -> Arc<Sampler> {
        let previous = self.previous.and_then(|it| it.sampler(&subject.route, subject));
        let same = previous.filter(|it| it.sample() == sample);
        same.map_or_else(|| Arc::new(Sampler::new(sample)), Arc::clone)
    }

    fn matches(&mut self, value: &Value<'_>) -> Option<(Methods, PathPattern)> {
        let mut section = Section::of(value, "`match`", self.findings)?;
        let methods = section.get("method").map_or(Some(Methods::ANY), |it| self.methods(it));
        let path = section.require("path", self.findings);
        section.finish(self.findings);
        let pattern = parsed(path?, "`path` must be a string", self.findings, PathPattern::parse)?;
        Some((methods?, pattern))
    }

    fn methods(&mut self, value: &Value<'_>) -> Option<Methods> {
        let must = "`method` must be a string or an array of strings";
        let values = match value.get_ref() {
            DeValue::Array(values) if values.is_empty() => {
                self.findings.error(&value.span(), "`method` is empty: leave it out to match any");
                return None;
            }
            DeValue::Array(values) => &values[..],
            _ => std::slice::from_ref(value),
        };
        let mut names = Vec::new();
        for value in values {
            names.push(parsed(value, must, self.findings, |it| Methods::parse([it]).map(|_| it)));
        }
        Methods::parse(names.into_iter().collect::<Option<Vec<_>>>()?).ok()
    }

    fn plan(
        &mut self,
        section: &mut Section<'_>,
        (methods, upstream): (Option<Methods>, Option<&Value<'_>>),
        candidate: Option<candidate::Named<'_>>,
        subject: &Subject,
    ) -> Option<Plan> {
        let sample = sample::read(section, subject.proof, self.findings);
        let value = section.require("stage", self.findings)?;
        let stage = text(value, "`stage` must be a string", self.findings)?;
        if let Some(candidate) = &candidate {
            candidate.check(stage, upstream, self.findings);
        }
        let contradiction = match (stage, upstream.is_some()) {
            ("monolith", false) => return Some(Plan::Monolith),
            ("upstream", true) => return Some(Plan::Upstream),
            ("monolith", true) => Some(
                "\"monolith\" contradicts `upstream`: write \"upstream\", or leave `upstream` out",
            ),
            ("upstream", false) => Some(
                "\"upstream\" needs `upstream = \"NAME\"`, the name of an [upstream.NAME] section",
            ),
            _ => None,
        };
        if let Some(contradiction) = contradiction {
            self.findings.error(&value.span(), contradiction);
            return None;
        }
        if !STAGES.contains(&stage) {
            let near = did_you_mean(stage, STAGES);
            let message = format!("{stage:?} must be one of `{}`{near}", STAGES.join("`, `"));
            self.findings.error(&value.span(), message);
            return None;
        }
        if stage == "shadow" && methods.is_some_and(|it| !it.is_safe()) {
            let message = "\"shadow\" needs `method = \"GET\"` (or HEAD): a write cannot be asked \
                           twice, and this version compares none; its parity test is the proof, and \
                           then \"extracted\" takes any method";
            self.findings.error(&value.span(), message);
        }
        if let (Some(candidate), "shadow") = (candidate, stage) {
            let candidate = Candidate::Upstream(candidate.service?);
            return Some(Plan::Shadow { candidate, sample: self.sampler(sample?, subject) });
        }
        let id = Some(&*subject.route).filter(|it| !it.is_empty())?;
        let extraction = self.extraction(id, stage, &value.span())?;
        let sample = self.sampler(sample?, subject);
        Some(match stage {
            "shadow" => Plan::Shadow { candidate: Candidate::Extraction(extraction), sample },
            _ => Plan::Extracted { extraction, sample },
        })
    }

    fn extraction(&mut self, id: &str, stage: &str, span: &Range<usize>) -> Option<Extraction> {
        let extractions = self.compiler.extractions;
        let found = extractions.iter().find(|it| it.id == id).copied();
        if found.is_none() {
            let near = did_you_mean(id, extractions.iter().map(|it| it.id));
            let message = format!(
                "{stage:?} needs an extraction, and this build has none with the id `{id}`{near}"
            );
            self.findings.error(span, message);
        }
        found
    }

    fn refuse_used_id(&mut self, id: &str, span: &Range<usize>) {
        let line = self.findings.line(span);
        if let Some(first) = self.ids.insert(id.to_owned(), line) {
            let message = format!("`{id}` is the id of the route in line {first} already");
            self.findings.error(span, message);
        }
    }

    /// Two routes that nothing can tell apart would make the order of the file decide.
    fn refuse_twins(&mut self, routes: &[Placed]) {
        let mut shapes: HashMap<String, Vec<&Placed>> = HashMap::new();
        for placed in routes {
            let Placed { route, span } = placed;
            let alike = shapes.entry(route.pattern.shape()).or_default();
            if let Some(twin) = alike.iter().find(|it| are_twins(&it.route, route)) {
                let (line, other) = (self.findings.line(&twin.span), &twin.route.id);
                let message = format!(
                    "`{}` takes the same requests as `{other}` in line {line}: \
                     give one of them a higher `priority`, or another `match`",
                    route.id
                );
                self.findings.error(span, message);
            }
            alike.push(placed);
        }
    }
}

/// Whether two routes of the same shape are equally specific.
fn are_twins(a: &Route, b: &Route) -> bool {
    let same_methods = (a.methods == Methods::ANY) == (b.methods == Methods::ANY);
    same_methods && a.methods.overlaps(b.methods) && a.priority == b.priority
}

/// An id names a series, a report and a file, so it is kept to what all of them can hold.
fn id(text: &str) -> Result<&str, &'static str> {
    let ok =
        |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '.' | '_' | '-');
    if text.is_empty() || text.len() > 100 || !text.chars().all(ok) {
        return Err(
            "must be an id such as \"catalog.show\": lower-case letters, digits, `.`, `_`, `-`, at \
             most 100 of them",
        );
    }
    if text == UNROUTED {
        return Err("is the id of requests that no route names; choose another");
    }
    Ok(text)
}

/// What other requests, other sides or another time-out have shown says nothing of these. A handler goes
/// on where it was compared: it has no name but the route's.
fn bound(
    subject: Subject,
    (matched, timeout): (&Option<(Methods, PathPattern)>, Option<Duration>),
    (control, candidate): (Option<&Value<'_>>, Option<&candidate::Named<'_>>),
) -> Subject {
    let control = control.and_then(|it| it.get_ref().as_str());
    let candidate = candidate.and_then(candidate::Named::name);
    let what = (matched, timeout, control, candidate, subject.noise);
    subject.between(&format!("{what:?}"))
}

//! The route table: which route a request takes, at a cost that does not grow with the table.

use std::{collections::HashMap, sync::Arc, time::Duration};

use extracted::Extraction;
use foldhash::fast::RandomState;
use http::Method;
use shadow::{Budget, Proof, Subject, compare::Rules};

use super::{
    maintenance::Maintenance,
    methods::Methods,
    pattern::{PathPattern, Segment, normalised, param},
    values::Percent,
};
use crate::{
    extraction::guard::Guard,
    limits::Policy,
    metrics::{ProxyMetrics, RouteMetrics},
    mirror::Sampler,
    recording::Permission,
    upstream::Upstream,
};

/// A route's name: `catalog.show`. The metric label, the report's key, and an extraction's id.
pub type RouteId = Arc<str>;

/// The id under which requests are counted that no route names.
pub const UNROUTED: &str = "unrouted";

/// The deadline of a handler whose route does not state one.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// Who answers, and what is compared. A mixture that makes no sense cannot be written down.
#[derive(Debug)]
pub enum Plan {
    /// The monolith answers.
    Monolith,
    /// The route's own upstream answers.
    Upstream,
    /// The monolith answers; the candidate is compared with it on `sample` of the requests.
    Shadow {
        /// Who is judged.
        candidate: Candidate,
        /// How many requests are compared.
        sample: Arc<Sampler>,
    },
    /// The handler answers, and the monolith where it cannot; the monolith is asked again on
    /// `sample` of the requests.
    Extracted {
        /// The handler that answers.
        extraction: Extraction,
        /// How many requests are compared.
        sample: Arc<Sampler>,
    },
}

/// Whose answers are compared with the monolith's, and given to nobody.
#[derive(Debug, Clone)]
pub enum Candidate {
    /// A handler of this build.
    Extraction(Extraction),
    /// A service.
    Upstream(Arc<Upstream>),
}

impl Plan {
    /// Which requests are compared, if any are.
    pub const fn sampler(&self) -> Option<&Arc<Sampler>> {
        match self {
            Self::Monolith | Self::Upstream => None,
            Self::Shadow { sample, .. } | Self::Extracted { sample, .. } => Some(sample),
        }
    }

    /// The stage's name, as routes.toml has it.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Monolith => "monolith",
            Self::Upstream => "upstream",
            Self::Shadow { .. } => "shadow",
            Self::Extracted { .. } => "extracted",
        }
    }
}

/// One `[[route]]`, checked and ready.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// Which methods it is for.
    pub methods: Methods,
    /// Which paths it is for.
    pub pattern: PathPattern,
    /// Among routes that are equally specific, the higher wins.
    pub priority: i64,
    /// Who answers.
    pub plan: Plan,
    /// Who answers in the monolith's place, wherever the monolith would.
    pub upstream: Option<Arc<Upstream>>,
    /// How long a handler may take.
    pub timeout: Duration,
    /// Of how many compared requests the monolith is asked once more, to see what it does to itself.
    pub noise: Percent,
    /// Whether its requests may be kept raw.
    pub record: Option<Permission>,
    /// What keeps a handler that answers from costing time; in the stage `extracted`.
    pub guard: Option<Arc<Guard>>,
    /// How long anybody else may take, and how much.
    pub policy: Policy,
    /// Whether its requests wait or are turned away.
    pub maintenance: Option<Arc<Maintenance>>,
    /// What it is judged by.
    pub subject: Arc<Subject>,
    /// Its series.
    pub metrics: RouteMetrics,
}

/// All routes of one file, immutable; a reload replaces the whole.
#[derive(Debug)]
pub struct RouteTable {
    /// The first 12 hexadecimal digits of the file's SHA-256; empty where there is no file.
    pub hash: String,
    /// `[monolith]`.
    pub monolith: Option<Arc<Upstream>>,
    /// Each `[upstream.NAME]`.
    upstreams: Vec<Arc<Upstream>>,
    /// What holds where no route says otherwise.
    pub policy: Policy,
    routes: Vec<Arc<Route>>,
    unrouted: Arc<Route>,
    root: Node,
}

/// What a file says beside its routes.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// The first 12 hexadecimal digits of the file's SHA-256.
    pub(super) hash: String,
    pub(super) policy: Policy,
    pub(super) maintenance: Option<Arc<Maintenance>>,
}

impl RouteTable {
    pub(super) fn new(
        whole: Whole,
        (monolith, upstreams): (Option<Arc<Upstream>>, Vec<Arc<Upstream>>),
        routes: Vec<Arc<Route>>,
        metrics: &ProxyMetrics,
    ) -> Self {
        let mut root = Node::default();
        for route in &routes {
            root.insert(&route.pattern.segments, route);
        }
        let unrouted = Arc::new(unrouted(&whole, metrics));
        let Whole { hash, policy, .. } = whole;
        Self { hash, monolith, upstreams, policy, routes, unrouted, root }
    }

    /// A table without routes: the monolith answers everything.
    pub fn pass_through(metrics: &ProxyMetrics) -> Self {
        Self::new(Whole::default(), Default::default(), Vec::new(), metrics)
    }

    /// The route that a request takes. One that no route names takes `unrouted`, the monolith's.
    ///
    /// Precedence, whatever the order in the file: a literal segment before a `{name}`, that before
    /// a `{rest...}`, from the left; then a method that is named before any; then `priority`.
    pub fn find(&self, method: &Method, path: &str) -> &Arc<Route> {
        let path = normalised(path);
        let rest = path.strip_prefix('/').unwrap_or(&path);
        self.root.find(method, rest).unwrap_or(&self.unrouted)
    }

    /// Who answers a request of `route` wherever no extraction does.
    pub fn control(&self, route: &Route) -> Option<Arc<Upstream>> {
        route.upstream.as_ref().or(self.monolith.as_ref()).cloned()
    }

    /// The guard of this route, whose state goes on in the next table.
    pub(super) fn guard(&self, id: &str) -> Option<&Arc<Guard>> {
        self.routes.iter().find(|it| *it.id == *id)?.guard.as_ref()
    }

    /// The sampler of this route, which goes on in the next table while it is judged as before.
    pub(super) fn sampler(&self, id: &str, subject: &Subject) -> Option<&Arc<Sampler>> {
        let route = self.routes.iter().find(|it| *it.id == *id)?;
        route.plan.sampler().filter(|_| route.subject.is_judged_as(subject))
    }

    /// The routes whose answers are compared, and how each is judged.
    pub fn judged(&self) -> impl Iterator<Item = &Subject> {
        let judged = self.routes.iter().filter(|it| it.plan.sampler().is_some());
        judged.map(|it| &*it.subject)
    }

    /// The `[upstream.NAME]` of this name.
    pub fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.iter().map(AsRef::as_ref).find(|it| it.name() == name)
    }

    /// Whether a CA file of an upstream says something else by now. Blocks while it reads.
    pub(super) fn is_outdated(&self) -> bool {
        let upstreams = self.monolith.iter().chain(&self.upstreams);
        upstreams.flat_map(|it| it.servers()).any(|it| it.address().is_outdated())
    }

    /// Each `[upstream.NAME]`.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// Every route in the order of the file, and `unrouted` last.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter().chain([&self.unrouted])
    }
}

/// The route of requests that no route names.
fn unrouted(whole: &Whole, metrics: &ProxyMetrics) -> Route {
    Route {
        id: UNROUTED.into(),
        methods: Methods::ANY,
        pattern: PathPattern::everything(),
        priority: 0,
        plan: Plan::Monolith,
        upstream: None,
        timeout: DEFAULT_TIMEOUT,
        noise: Percent::NONE,
        record: None,
        guard: None,
        policy: whole.policy,
        maintenance: whole.maintenance.clone(),
        subject: Arc::new(Subject::new(
            UNROUTED,
            Rules::default(),
            Budget::default(),
            Proof::default(),
            Vec::new(),
        )),
        metrics: metrics.route(UNROUTED),
    }
}

/// A place in the tree of segments. A path visits at most the nodes that exist at its depth.
#[derive(Debug, Default)]
struct Node {
    /// Looked for by clients, but filled by the route file: a hash that is quick is enough.
    literals: HashMap<String, Node, RandomState>,
    /// By suffix, the longest first, so that `{id}.json` is tried before `{id}`.
    params: Vec<(String, Node)>,
    here: Leaf,
    rest: Leaf,
}

impl Node {
    fn insert(&mut self, segments: &[Segment], route: &Arc<Route>) {
        match segments.split_first() {
            None => self.here.insert(route),
            Some((Segment::Rest { .. }, _)) => self.rest.insert(route),
            Some((Segment::Literal(text), tail)) => {
                self.literals.entry(text.clone()).or_default().insert(tail, route);
            }
            Some((Segment::Param { suffix, .. }, tail)) => self.param(suffix).insert(tail, route),
        }
    }

    fn param(&mut self, suffix: &str) -> &mut Self {
        let place = self.params.iter().position(|(it, _)| it == suffix).unwrap_or_else(|| {
            let place = self.params.partition_point(|(it, _)| it.len() >= suffix.len());
            self.params.insert(place, (suffix.to_owned(), Self::default()));
            place
        });
        &mut self.params[place].1
    }

    /// `rest` is what is left of the path, without its leading slash.
    fn find(&self, method: &Method, rest: &str) -> Option<&Arc<Route>> {
        if rest.is_empty() {
            return self.here.find(method);
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        let literal = self.literals.get(head).and_then(|node| node.find(method, tail));
        let param = || {
            let fitting = self.params.iter().filter(|(suffix, _)| param(head, suffix).is_some());
            fitting.map(|(_, node)| node).find_map(|node| node.find(method, tail))
        };
        literal.or_else(param).or_else(|| self.rest.find(method))
    }
}

/// The routes of one template, the most specific first.
#[derive(Debug, Default)]
struct Leaf(Vec<Arc<Route>>);

impl Leaf {
    fn insert(&mut self, route: &Arc<Route>) {
        self.0.push(Arc::clone(route));
        self.0.sort_by_key(|it| (it.methods == Methods::ANY, std::cmp::Reverse(it.priority)));
    }

    fn find(&self, method: &Method) -> Option<&Arc<Route>> {
        self.0.iter().find(|it| it.methods.contains(method))
    }
}

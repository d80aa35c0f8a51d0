//! The same clicks in two shops: what Banyan leaves must equal what Rails leaves.
//!
//! Two shops begin with the same rows and the same secret. One is asked directly; before the other
//! stands Banyan, with extractions that answer. After each step are compared: the answer, the
//! session in the buyer's cookie, the rows of every table, the jobs in Redis, the
//! broadcasts and the events.

mod answer;
mod body;
mod broadcasts;
mod forms;
mod jobs;
mod json;
mod pair;
mod play;
mod report;
mod rows;
mod session;
mod shapes;
mod side;
mod step;
mod times;
mod twins;
mod whole_shop;
mod wrong;

use extracted::Extraction;
use reqwest::Method;
use toml::{Table, Value};

pub(crate) use self::step::{Body, form, json, nothing, raw};
use self::{
    pair::Pair,
    report::Report,
    step::{By, Op, Step, Token},
};
use crate::support::{forever, routes};

/// What is done in both shops, in this order. A method that says more of a request stands after it.
#[derive(Debug)]
pub(crate) struct Scenario {
    extractions: &'static [Extraction],
    /// Of the extractions that may answer; empty: only Rails does.
    ids: Vec<String>,
    /// The text of routes.toml; none when only Rails answers.
    routes: Option<String>,
    ops: Vec<Op>,
    /// The shops are not for the next scenario.
    spoils: bool,
}

/// A scenario that the extraction of this id answers, on its route in routes.toml.
pub(crate) fn parity(id: &str) -> Scenario {
    parity_of(&[id])
}

/// A scenario that several extractions answer together.
pub(crate) fn parity_of(ids: &[&str]) -> Scenario {
    let table: Table = routes().parse().unwrap();
    let all = table["route"].as_array().unwrap();
    let of = |id: &&str| {
        let found = all.iter().find(|it| it["id"].as_str() == Some(*id));
        let found = found.unwrap_or_else(|| panic!("routes.toml has no route {id}"));
        extracted_route(id, found["match"].clone())
    };
    Scenario::new(extracted::all(), ids, Some(table_of(ids.iter().map(of).collect())))
}

/// A scenario that an extraction of this test answers, where `matching` says: the inside of a
/// route's `match`.
pub(crate) fn parity_with(extraction: Extraction, matching: &str) -> Scenario {
    let matching: Table = format!("match = {{ {matching} }}").parse().unwrap();
    let route = extracted_route(extraction.id, matching["match"].clone());
    Scenario::new(forever(vec![extraction]), &[extraction.id], Some(table_of(vec![route])))
}

/// A scenario that Rails answers in both shops: whatever differs then is noise of the shop's.
pub(crate) fn rails_alone() -> Scenario {
    Scenario::new(&[], &[], None)
}

/// The route as an operator would extract it, with more patience: these machines are busy.
fn extracted_route(id: &str, matching: Value) -> Table {
    let mut route = Table::new();
    route.insert("id".to_owned(), id.into());
    route.insert("match".to_owned(), matching);
    for (key, value) in [("stage", "extracted"), ("sample", "0%"), ("timeout", "20s")] {
        route.insert(key.to_owned(), value.into());
    }
    let breaker = Table::from_iter([("failures".to_owned(), Value::Integer(0))]);
    route.insert("breaker".to_owned(), breaker.into());
    route
}

fn table_of(routes: Vec<Table>) -> String {
    Table::from_iter([("route".to_owned(), Value::from(routes))]).to_string()
}

impl Scenario {
    fn new(extractions: &'static [Extraction], ids: &[&str], routes: Option<String>) -> Self {
        let ids = ids.iter().map(|it| (*it).to_owned()).collect();
        Self { extractions, ids, routes, ops: Vec::new(), spoils: false }
    }

    /// Leaves rows that other scenarios would stumble over: the shops are stopped after it. What is
    /// left otherwise is there in the next scenario.
    pub(crate) fn spoils(self) -> Self {
        Self { spoils: true, ..self }
    }

    /// Runs a statement in both databases.
    pub(crate) fn given(self, sql: &str) -> Self {
        self.then(Op::Given(sql.to_owned()))
    }

    /// Logs in, in each side's monolith and not through Banyan; the password is that of the seeds.
    pub(crate) fn signed_in(self, email: &str) -> Self {
        self.then(Op::SignIn(email.to_owned()))
    }

    /// Goes on as another visitor, without cookies.
    pub(crate) fn visitor(self) -> Self {
        self.then(Op::Forget)
    }

    /// Asks each side's database for a value, which `{name}` stands for in what follows: in paths,
    /// fields, forms and bodies.
    pub(crate) fn take(self, name: &str, sql: &str) -> Self {
        self.then(Op::Take { name: name.to_owned(), sql: sql.to_owned() })
    }

    /// GET.
    pub(crate) fn get(self, path: &str) -> Self {
        self.request(Method::GET, path, nothing())
    }

    /// HEAD.
    pub(crate) fn head(self, path: &str) -> Self {
        self.request(Method::HEAD, path, nothing())
    }

    /// POST.
    pub(crate) fn post(self, path: &str, body: Body) -> Self {
        self.request(Method::POST, path, body)
    }

    /// PATCH.
    pub(crate) fn patch(self, path: &str, body: Body) -> Self {
        self.request(Method::PATCH, path, body)
    }

    /// DELETE.
    pub(crate) fn delete(self, path: &str) -> Self {
        self.request(Method::DELETE, path, nothing())
    }

    /// A request, compared.
    pub(crate) fn request(self, method: Method, path: &str, body: Body) -> Self {
        let by = if self.ids.is_empty() { By::Rails } else { By::Rust };
        self.then(Op::Request(Box::new(Step::new(method, path, body, by))))
    }

    /// With a header field.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.last().fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the token that a form has on the side's own page. The form is the one that is sent to
    /// `action` as the request will be.
    pub(crate) fn with_form_token(mut self, page: &str, action: &str) -> Self {
        let token = Token::Form { page: page.to_owned(), action: action.to_owned() };
        self.last().token = Some(token);
        self
    }

    /// With the token that the side's own page has for its scripts.
    pub(crate) fn with_page_token(mut self, page: &str) -> Self {
        self.last().token = Some(Token::Page(page.to_owned()));
        self
    }

    /// With the token of the side's own `/api/session`.
    pub(crate) fn with_api_token(mut self) -> Self {
        self.last().token = Some(Token::Api);
        self
    }

    /// Rails must answer with this status: else the scenario is not about what it says.
    pub(crate) fn gives(mut self, status: u16) -> Self {
        self.last().status = Some(status);
        self
    }

    /// An extraction must have answered; the default where there is one.
    pub(crate) fn answered_by_rust(mut self) -> Self {
        self.last().by = By::Rust;
        self
    }

    /// Rails must have answered through Banyan: the extraction declined, or the route is another.
    pub(crate) fn declined(mut self) -> Self {
        self.last().by = By::Rails;
        self
    }

    /// Plays it.
    ///
    /// # Panics
    /// With a report of everything that differs after the first step where something does.
    pub(crate) async fn run(self) {
        if let Err(report) = self.play().await {
            panic!("{report}");
        }
    }

    /// As [`Scenario::run`], for who wants to see the report.
    pub(crate) async fn play(&self) -> Result<(), Report> {
        let mut pair = Pair::take().await;
        let outcome = play::play(self, &mut pair).await;
        // After a difference in what is stored the two are no longer twins.
        if !self.spoils && outcome.as_ref().err().is_none_or(|it| !it.is_stored()) {
            pair.give_back();
        }
        outcome
    }

    fn then(mut self, op: Op) -> Self {
        self.ops.push(op);
        self
    }

    fn last(&mut self) -> &mut Step {
        match self.ops.last_mut() {
            Some(Op::Request(step)) => step,
            _ => panic!("what says more of a request stands after it"),
        }
    }
}

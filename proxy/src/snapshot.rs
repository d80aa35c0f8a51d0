//! A request, kept for those who are asked after the buyer's own request has gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use shadow::{Observation, Reading, RequestSummary};
use time::OffsetDateTime;

use crate::{
    body::Body,
    downstream::Downstream,
    extraction::{Call, Ending},
    match_route::Routed,
    monolith::headers::{self, X_REQUEST_ID},
    recording::Exchange,
    route::Route,
    visitor::{self, Visitor, Visitors},
};

/// Tells a service that nobody waits for its answer, which is only compared. Clients cannot send it:
/// see [`headers::to_monolith`].
const X_BANYAN_SHADOW: HeaderName = HeaderName::from_static("x-banyan-shadow");

/// What is needed to ask another side the same question.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The request's route, and so the rules it is judged by.
    pub route: Arc<Route>,
    downstream: Arc<Downstream>,
    method: Method,
    target: Uri,
    headers: HeaderMap,
    body: Bytes,
    arrived: Instant,
    now: OffsetDateTime,
    seed: [u8; 32],
}

impl Snapshot {
    /// Copies the request. `None` for one whose body is not at hand. Nothing of it is read before it
    /// is asked for: this is done for each sampled request before it leaves.
    pub fn of(routed: &Routed) -> Option<Self> {
        let Routed { route, request, arrived, downstream, .. } = routed;
        Some(Self {
            body: request.body().whole()?,
            route: Arc::clone(route),
            downstream: Arc::clone(downstream),
            method: request.method().clone(),
            target: request.uri().clone(),
            headers: request.headers().clone(),
            arrived: *arrived,
            now: OffsetDateTime::now_utc(),
            seed: rand::random(),
        })
    }

    /// A request that was recorded, as if it came now.
    pub fn replayed(route: Arc<Route>, exchange: &Exchange) -> Self {
        let Exchange { downstream, method, target, headers, body, .. } = exchange;
        Self {
            route,
            downstream: Arc::new(downstream.clone()),
            method: method.clone(),
            target: target.clone(),
            headers: headers.clone(),
            body: body.clone(),
            arrived: Instant::now(),
            now: OffsetDateTime::now_utc(),
            seed: rand::random(),
        }
    }

    /// The request with the answer that its buyer got, to be recorded.
    pub fn exchange(&self, answer: Observation) -> Exchange {
        Exchange {
            at: self.now,
            route: self.route.id.to_string(),
            downstream: (*self.downstream).clone(),
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            answer: Some(answer),
        }
    }

    /// The question to a handler; none about path parameters that are not text. Its clock says when
    /// the request arrived, and its randomness is the request's, whoever is asked when.
    pub fn to_handler(&self, extraction: extracted::Extraction, ending: Ending) -> Option<Call> {
        let request = extracted::Request {
            method: self.method.clone(),
            base_url: headers::base_url(&self.headers, &self.downstream),
            path: self.target.path().to_owned(),
            params: self.route.pattern.params(self.target.path())?,
            query: self.target.query().unwrap_or_default().to_owned(),
            headers: self.headers.clone(),
            body: self.body.clone(),
        };
        Some(Call {
            extraction,
            request,
            now: self.now,
            seed: self.seed,
            deadline: self.route.timeout,
            ending,
        })
    }

    /// Whether asking once more changes nothing that its asker answers for.
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// Whether an error page of ours should be JSON: it is asked for, or was sent.
    pub fn asks_for_json(&self) -> bool {
        let says = |name| {
            let value = self.headers.get(name).and_then(|it| it.to_str().ok());
            value.is_some_and(|it| it.contains("json"))
        };
        says(header::ACCEPT) || says(header::CONTENT_TYPE)
    }

    /// The question to the monolith.
    pub fn to_monolith(&self) -> Request<Body> {
        let mut request = Request::new(Body::full(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        self.headers.clone_into(request.headers_mut());
        headers::to_monolith(request.headers_mut(), &self.downstream);
        request
    }

    /// The question to a service that is only compared, and is told so.
    pub fn to_candidate(&self) -> Request<Body> {
        let mut request = self.to_monolith();
        request.headers_mut().insert(X_BANYAN_SHADOW, HeaderValue::from_static("1"));
        request
    }

    /// What the judge knows of the request.
    pub async fn summary(&self, visitors: &Visitors) -> RequestSummary {
        self.asked_by(&visitors.of(&self.headers).await)
    }

    /// The same, as far as the request itself tells who asks.
    pub fn glance(&self, visitors: &Visitors) -> RequestSummary {
        self.asked_by(&visitors.glance(&self.headers))
    }

    fn asked_by(&self, visitor: &Visitor) -> RequestSummary {
        RequestSummary {
            id: self.id().to_owned(),
            method: self.method.clone(),
            target: self.target.to_string(),
            template: self.route.pattern.to_string(),
            signed_in: visitor.signed_in,
            operation: visitor::operation(&self.target, &self.headers, &self.body),
            variant: visitor::variant(visitor, &self.headers, &self.body),
        }
    }

    /// How the judge reads the answers to it.
    pub fn reading(&self, visitors: &Visitors) -> Reading {
        visitors.reading(&self.headers)
    }

    /// Its id, the same in every log.
    pub fn id(&self) -> &str {
        self.headers.get(X_REQUEST_ID).and_then(|it| it.to_str().ok()).unwrap_or_default()
    }

    /// Since the request's head had arrived.
    pub fn age(&self) -> Duration {
        self.arrived.elapsed()
    }
}

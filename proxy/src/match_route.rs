//! The route table decides: everything below receives a [`Routed`], never a bare request.

use std::{sync::Arc, time::Instant};

use http::{Request, Response};

use crate::{
    arrival::Arrival,
    body::Body,
    downstream::Downstream,
    error::ProxyError,
    layers::{Next, trace::Trace},
    limits::Limit,
    metrics::{Fallback, Side},
    monolith::Trip,
    route::Route,
    stack::Context,
    tls::Shown,
    upstream::Upstream,
};

/// A request, and what the table in force at its arrival says of it. It holds on to its route, so a
/// reload changes nothing for a request that is under way.
#[derive(Debug)]
pub struct Routed {
    /// What it is answered with.
    pub context: Arc<Context>,
    /// Whose it is.
    pub downstream: Arc<Downstream>,
    /// The certificate that the client was shown, if it must name a host of it.
    pub shown: Option<Arc<Shown>>,
    /// Who answers, and how.
    pub route: Arc<Route>,
    /// Who answers wherever no extraction does: the route's own upstream, or the monolith, if the
    /// table or the command line says where it is.
    pub control: Option<Arc<Upstream>>,
    /// When the head had arrived.
    pub arrived: Instant,
    /// The request as the client sent it, until a layer below changes it.
    pub request: Request<Body>,
    /// It is the first on its client's connection.
    pub first: bool,
    /// The trace that it belongs to, until the log takes it.
    pub trace: Option<Trace>,
    /// It is being recorded.
    pub is_recorded: bool,
    /// Why it goes no further.
    pub refused: Option<ProxyError>,
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Answer {
    /// What the buyer gets.
    pub response: Response<Body>,
    /// Who answered.
    pub side: Side,
    /// Why the monolith answered in an extraction's place, if it did.
    pub fallback: Option<Fallback>,
    /// What went wrong, if the answer is ours.
    pub failure: Option<Failure>,
    /// Its way to a server, if one was asked.
    pub trip: Trip,
}

/// What the access log says of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The limit that fired.
    pub limit: Option<Limit>,
    /// Who ended the request in which phase.
    pub termination: &'static str,
}

impl Answer {
    /// An answer of the side that the route names.
    pub fn of(side: Side, response: Response<Body>) -> Self {
        Self { response, side, fallback: None, failure: None, trip: Trip::default() }
    }

    /// The proxy's own answer to an error.
    pub fn failed(error: ProxyError) -> Self {
        let failure = Failure { limit: error.limit(), termination: error.termination() };
        Self { failure: Some(failure), ..Self::of(Side::Proxy, error.into_response()) }
    }
}

/// Finds the request's route in the table in force.
pub fn match_route<N>(
    arrival: Arrival,
    context: Arc<Context>,
    downstream: Arc<Downstream>,
    shown: Option<Arc<Shown>>,
    next: N,
) -> impl Future<Output = Response<Body>>
where
    N: Next<Box<Routed>, Response = Response<Body>>,
{
    let Arrival { mut request, at, first, refused } = arrival;
    let table = context.routes.current();
    let route = table.find(request.method(), request.uri().path()).clone();
    let control = table.control(&route);
    drop(table);
    request.body_mut().restrict(&route.policy);
    // In a box, since it moves from layer to layer.
    next.answer(Box::new(Routed {
        context,
        downstream,
        shown,
        route,
        control,
        arrived: at,
        request,
        first,
        trace: None,
        is_recorded: false,
        refused,
    }))
}

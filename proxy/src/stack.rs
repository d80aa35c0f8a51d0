//! The layers of the data plane, outermost first, in one function.

use std::{convert::Infallible, sync::Arc};

use http::Response;
use tower::{Service, ServiceBuilder, service_fn};

use crate::{
    access_line::Lane,
    arrival::Arrival,
    body::Body,
    dispatch::{Backends, dispatch},
    downstream::Downstream,
    layers::{
        access_log::access_log,
        around,
        maintenance::maintenance,
        refuse::refuse,
        request_id::request_id,
        trace::{Tracing, trace},
    },
    match_route::{Routed, match_route},
    route::Routes,
    tls::Shown,
};

/// What the requests of a worker are answered with.
#[derive(Debug)]
pub struct Context {
    /// Which side answers what.
    pub routes: Routes,
    /// The sides.
    pub backends: Backends,
    /// Where requests are logged; `None` where no access log is wanted.
    pub log: Option<Arc<Lane>>,
    /// How they are traced.
    pub tracing: Tracing,
    /// Whether logs and spans may hold what clients made up: `--log-unredacted`.
    pub unredacted: bool,
}

/// A request goes down this list; its answer comes back up. One stack serves one connection.
pub fn stack(
    context: Arc<Context>,
    downstream: Arc<Downstream>,
    shown: Option<Arc<Shown>>,
) -> impl Service<Arrival, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send
{
    ServiceBuilder::new()
        // Arrival → Routed: the table in force now decides, for all below.
        .layer(around(move |arrival, next| {
            match_route(arrival, context.clone(), downstream.clone(), shown.clone(), next)
        }))
        // The trace that it belongs to.
        .layer(around(trace))
        // One line, one count and one latency, whatever happens below.
        .layer(around(access_log))
        // An id to find the request by, in our log, in Rails' and on the answer.
        .layer(around(request_id))
        // What two servers could read differently goes no further.
        .layer(around(refuse))
        // A route in maintenance holds its requests, or turns them away.
        .layer(around(maintenance))
        // The only place that knows both backends, and the mirror. In a box: every layer above
        // would move this future, the largest of all, once more.
        .service(service_fn(|routed: Box<Routed>| Box::pin(async { Ok(dispatch(routed).await) })))
}

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
        access_log::access_log, around, maintenance::maintenance, refuse::refuse,
        request_id::request_id,
    },
    match_route::{Routed, match_route},
    route::Routes,
    tls::Shown,
};

/// A request goes down this list; its answer comes back up. One stack serves one connection.
pub fn stack(
    routes: Routes,
    backends: Arc<Backends>,
    downstream: Downstream,
    shown: Option<Arc<Shown>>,
    log: Option<Arc<Lane>>,
) -> impl Service<Arrival, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send
{
    let held = routes.clone();
    ServiceBuilder::new()
        // Arrival → Routed: the table in force now decides, for all below.
        .layer(around(move |arrival, next| match_route(arrival, routes.current(), next)))
        // One line, one count and one latency, whatever happens below.
        .layer(around(move |routed, next| access_log(routed, downstream, log.clone(), next)))
        // An id to find the request by, in our log, in Rails' and on the answer.
        .layer(around(move |routed, next| request_id(routed, downstream, next)))
        // What two servers could read differently goes no further.
        .layer(around(move |routed, next| refuse(routed, shown.clone(), next)))
        // A route in maintenance holds its requests, or turns them away.
        .layer(around(move |routed: Routed, next| {
            let tables = routed.route.maintenance.is_some().then(|| held.clone());
            maintenance(routed, tables, next)
        }))
        // The only place that knows both backends, and the mirror.
        .service(service_fn(move |routed: Routed| {
            let backends = backends.clone();
            // In a box: every layer above would move this future, the largest of all, once more.
            Box::pin(async move { Ok(dispatch(routed, &backends, downstream).await) })
        }))
}

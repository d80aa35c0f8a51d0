//! Pause and stop: requests of a route in maintenance wait for its end, or are told when to come
//! back.

use std::sync::Arc;

use super::Next;
use crate::{
    error::ProxyError,
    match_route::{Answer, Routed},
    route::Maintenance,
};

/// Passes requests on whose route is not in maintenance, at once or as soon as it ends.
pub async fn maintenance(
    mut routed: Box<Routed>,
    next: impl Next<Box<Routed>, Response = Answer>,
) -> Answer {
    if let Some(maintenance) = routed.route.maintenance.clone() {
        // Seldom: in a box it does not make the future of every request larger.
        if let Err(error) = Box::pin(hold(&mut routed, &maintenance)).await {
            return Answer::failed(error);
        }
    }
    next.answer(routed).await
}

/// Waits for a table in which the request's route is not in maintenance, and takes that route.
async fn hold(routed: &mut Routed, maintenance: &Arc<Maintenance>) -> Result<(), ProxyError> {
    let tables = &routed.context.routes;
    let limit = match &**maintenance {
        Maintenance::Stop(_) => return Err(ProxyError::Stopped(Arc::clone(maintenance))),
        Maintenance::Pause(limit) => *limit,
    };
    let mut changes = tables.changes();
    let (method, path) = (routed.request.method().clone(), routed.request.uri().path().to_owned());
    let ended = async {
        loop {
            let table = tables.current();
            let route = Arc::clone(table.find(&method, &path));
            match &route.maintenance {
                None => {
                    let control = table.control(&route);
                    return Ok((route, control));
                }
                Some(it) if matches!(**it, Maintenance::Stop(_)) => {
                    return Err(ProxyError::Stopped(Arc::clone(it)));
                }
                Some(_) => {}
            }
            drop((route, table));
            if changes.changed().await.is_err() {
                // Nobody can end it any more.
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = tokio::time::timeout(limit, ended).await;
    (routed.route, routed.control) = ended.unwrap_or(Err(ProxyError::Paused(limit)))?;
    Ok(())
}

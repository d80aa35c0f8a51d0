//! Why a sample of the report cannot be replayed: what must be set so that the next one can.

use shadow::{Reports, StoreError};

use crate::{config::Replay, route::RouteTable};

/// What to say of a request that is not in the recording.
pub(super) async fn explain(arguments: &Replay, id: &str, table: &RouteTable) -> String {
    let place = arguments.recording.display();
    let missing = format!("no request with the id {id} is in {place}");
    let route = match route_of(&arguments.store, id).await {
        Ok(Some(route)) => route,
        Ok(None) => {
            return format!(
                "{missing}, and the store has no sample of it; ids are in `banyan report ROUTE`"
            );
        }
        Err(_) => {
            return format!(
                "{missing}: only requests of routes that say `record` in routes.toml are recorded"
            );
        }
    };
    let found = table.routes().find(|it| *it.id == *route);
    match found.and_then(|it| it.record) {
        None => format!(
            "{missing}: the route `{route}` keeps no raw requests; give it `record = \"1%\"` in {}",
            arguments.routes.display()
        ),
        Some(permission) => format!(
            "{missing}: of the route `{route}` {} of the requests are recorded, and kept for {}; \
             its `record` says so",
            permission.sample,
            days(permission.keep.as_secs())
        ),
    }
}

fn days(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The route of which the store has a sample of this request.
async fn route_of(store: &str, id: &str) -> Result<Option<String>, StoreError> {
    let reports = Reports::open_read_only(store).await?;
    for route in reports.routes().await? {
        for difference in reports.differences(&route.route).await? {
            let samples = reports.samples(&route.route, &difference.id).await?;
            if samples.iter().any(|it| it.request_id == id) {
                return Ok(Some(route.route));
            }
        }
    }
    Ok(None)
}

//! What of a recorded request a redacted recording keeps: what is asked for, and nothing of who asks.

use std::net::Ipv4Addr;

use http::{HeaderName, header};
use percent_encoding::percent_decode_str;

use super::Exchange;
use crate::{downstream::Downstream, monolith::headers::X_REQUEST_ID, route::RouteTable};

/// The fields of a request that say what is asked for, and nothing of who asks.
const IMPERSONAL: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::HOST,
    HeaderName::from_static("x-requested-with"),
    X_REQUEST_ID,
];

/// Whether a request's path and query hold nothing but what its route's template says, and values that
/// the route reveals. Names of people cannot be told from other words, so somebody must have said it.
fn is_revealed(exchange: &Exchange, table: &RouteTable) -> bool {
    let Some(route) = table.routes().find(|it| *it.id == *exchange.route) else { return false };
    let Some(parameters) = route.pattern.params(exchange.target.path()) else { return false };
    let query = exchange.target.query().unwrap_or_default();
    let mut pairs = query.split('&').filter(|it| !it.is_empty());
    parameters.iter().all(|(name, value)| route.subject.shows_parameter(name, value))
        && pairs.all(|pair| {
            pair.split_once('=').is_some_and(|(name, value)| {
                let name = percent_decode_str(name).decode_utf8_lossy();
                route.subject.shows_query(&name, value)
            })
        })
}

/// The request without anything of who asked; `None` for one that is nothing without that.
pub(super) fn redacted(mut exchange: Exchange, table: &RouteTable) -> Option<Exchange> {
    let impersonal = exchange.method.is_safe() && exchange.body.is_empty();
    if !impersonal || !is_revealed(&exchange, table) {
        return None;
    }
    let mut headers = std::mem::take(&mut exchange.headers);
    let kept = IMPERSONAL.into_iter().filter_map(|name| Some((headers.remove(&name)?, name)));
    exchange.headers = kept.map(|(value, name)| (name, value)).collect();
    let Downstream { tls, .. } = exchange.downstream;
    exchange.downstream = Downstream::known(Ipv4Addr::LOCALHOST.into(), tls, false);
    exchange.answer = None;
    Some(exchange)
}

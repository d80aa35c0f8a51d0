//! A request as OpenTelemetry spans: the buyer's, and what the upstream was asked for it.

use std::time::{Instant, SystemTime};

use super::{AS_IT_SHOULD, Entry};
use crate::{
    layers::trace::Recording,
    limits::Limit,
    metrics::Side,
    monolith::Trip,
    route::UNROUTED,
    spans::{SpanKind, SpanRecord, Text},
};

impl Entry {
    /// Hands the spans of a request over that has ended.
    pub(super) fn record(&self, recording: &Recording, side: Side) {
        let now = (Instant::now(), SystemTime::now());
        if let Some(trip) = self.answered.as_ref().map(|it| &it.trip)
            && let Some(span) = self.client_span(recording, trip, side, now)
        {
            recording.spans.record(span);
        }
        recording.spans.record(self.server_span(recording, side, now));
    }

    fn server_span(
        &self,
        recording: &Recording,
        side: Side,
        now: (Instant, SystemTime),
    ) -> SpanRecord {
        let host = recording.host.as_ref().and_then(|it| it.to_str().ok());
        let host = host.filter(|it| is_host(it)).unwrap_or_default();
        let (server_address, server_port) = address(host);
        let matched = &*self.route.id != UNROUTED;
        SpanRecord {
            parent_span_id: recording.parent,
            client_address: Some(self.downstream.peer),
            user_agent: self.user_agent().map(Text::lossy),
            pattern: matched.then(|| Text::new(&self.route.pattern.to_string())),
            ..self.span(Of {
                span_id: recording.server.span_id(),
                recording,
                kind: SpanKind::Server,
                start: before(self.arrived, now),
                end: now.1,
                server_address,
                server_port,
                scheme: if self.downstream.tls { "https" } else { "http" },
                side,
            })
        }
    }

    /// `None` where no server was asked.
    fn client_span(
        &self,
        recording: &Recording,
        trip: &Trip,
        side: Side,
        now: (Instant, SystemTime),
    ) -> Option<SpanRecord> {
        let (server, asked) = (trip.server.as_ref()?, trip.asked?);
        let (scheme, place) = match server.label().split_once("://") {
            Some(("https" | "h2", place)) => ("https", place),
            Some((_, place)) => ("http", place),
            None => ("http", server.label()),
        };
        let (server_address, server_port) = address(place);
        let span = self.span(Of {
            span_id: recording.client.span_id(),
            recording,
            kind: SpanKind::Client,
            start: before(asked, now),
            end: now.1,
            server_address,
            server_port,
            scheme,
            side,
        });
        Some(SpanRecord { parent_span_id: Some(recording.server.span_id()), ..span })
    }

    /// What both spans say.
    fn span(&self, of: Of<'_>) -> SpanRecord {
        let answered = self.answered.as_ref();
        let ended_badly = (self.termination != AS_IT_SHOULD).then_some(self.termination);
        SpanRecord {
            trace_id: of.recording.server.trace_id(),
            span_id: of.span_id,
            parent_span_id: None,
            kind: of.kind,
            start: of.start,
            end: of.end,
            method: Text::new(self.method()),
            scheme: of.scheme,
            path: Text::new(self.path()),
            status: answered.map(|it| it.status),
            error: self.limit.map(Limit::label).or(ended_badly),
            server_address: of.server_address,
            server_port: of.server_port,
            client_address: None,
            user_agent: None,
            pattern: None,
            route: Text::new(&self.route.id),
            stage: self.route.plan.stage(),
            side: of.side.label(),
            retries: answered.map_or(0, |it| it.trip.retries),
            termination: self.termination,
        }
    }
}

/// Where two spans of one request differ.
struct Of<'a> {
    recording: &'a Recording,
    span_id: [u8; 8],
    kind: SpanKind,
    start: SystemTime,
    end: SystemTime,
    server_address: Option<Text>,
    server_port: Option<u16>,
    scheme: &'static str,
    side: Side,
}

/// The time of day at `moment`.
fn before(moment: Instant, (instant, time): (Instant, SystemTime)) -> SystemTime {
    time.checked_sub(instant.saturating_duration_since(moment)).unwrap_or(time)
}

/// Whether a `Host` is one: others are any words that a client sends.
fn is_host(text: &str) -> bool {
    text.bytes()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.' | b':' | b'[' | b']'))
}

/// `HOST[:PORT]` in its two parts, or a socket file's path; an IPv6 address loses its brackets.
fn address(place: &str) -> (Option<Text>, Option<u16>) {
    let port = place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = port.map_or((place, None), |(host, port)| (host, Some(port)));
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    ((!host.is_empty()).then(|| Text::new(host)), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_is_none() {
        for host in ["shop.test", "shop.test:8443", "[2001:db8::1]:80"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["buyer1@shop.test", "a b", "%41"] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn a_place_has_a_host_and_perhaps_a_port() {
        for (place, host, port) in [
            ("shop.test", "shop.test", None),
            ("shop.test:8443", "shop.test", Some(8443)),
            ("[2001:db8::1]:80", "2001:db8::1", Some(80)),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("/run/puma.sock", "/run/puma.sock", None),
        ] {
            assert_eq!(address(place), (Some(Text::new(host)), port), "{place}");
        }
        assert_eq!(address(""), (None, None));
    }
}

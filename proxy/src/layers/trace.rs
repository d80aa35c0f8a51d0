//! Which trace a request belongs to: that of a trusted hop, or a new one.

use http::{HeaderValue, header};

use super::Next;
use crate::{
    match_route::Routed,
    route::Percent,
    spans::Spans,
    trace_context::{TRACEPARENT, TraceContext},
};

/// How requests are traced. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// How many of the requests are recorded that bring no decision of a trusted hop.
    pub sample: Percent,
    /// Where spans go; without it, traces are passed on and begun, and recorded by others.
    pub spans: Option<Spans>,
}

/// The trace of one request.
#[derive(Debug)]
pub struct Trace {
    /// Its id.
    pub id: [u8; 16],
    /// What is needed to record it; `None` where it is not recorded here.
    pub recording: Option<Box<Recording>>,
}

/// Our two spans of a trace.
#[derive(Debug)]
pub struct Recording {
    /// Where they go.
    pub spans: Spans,
    /// The span that caused ours.
    pub parent: Option<[u8; 8]>,
    /// The buyer's request.
    pub server: TraceContext,
    /// What the upstream is asked for it.
    pub client: TraceContext,
    /// The `Host` that the buyer named.
    pub host: Option<HeaderValue>,
}

/// Keeps the trace of a trusted hop and begins one otherwise.
pub async fn trace<Answer>(
    mut routed: Box<Routed>,
    next: impl Next<Box<Routed>, Response = Answer>,
) -> Answer {
    routed.trace = Some(joined(&mut routed));
    next.answer(routed).await
}

/// The trace that the request belongs to. Where we record spans, what the monolith records becomes
/// a child of ours.
fn joined(routed: &mut Routed) -> Trace {
    let Tracing { sample, spans } = &routed.context.tracing;
    let headers = routed.request.headers_mut();
    let incoming = TraceContext::incoming(headers, routed.downstream.trusted);
    let ours = match &incoming {
        Some(parent) => parent.child(),
        None => TraceContext::new(sample.takes()),
    };
    let mut recording = None;
    if let Some(spans) = spans.as_ref().filter(|_| ours.is_sampled()) {
        let client = ours.child();
        headers.insert(TRACEPARENT, client.to_header());
        recording = Some(Box::new(Recording {
            spans: spans.clone(),
            parent: incoming.map(|it| it.span_id()),
            server: ours,
            client,
            host: headers.get(header::HOST).cloned(),
        }));
    } else if incoming.is_none() {
        headers.insert(TRACEPARENT, ours.to_header());
    }
    Trace { id: ours.trace_id(), recording }
}

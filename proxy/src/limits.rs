//! Every limit and time-out of the data plane: its default, and its name in routes.toml, in the
//! metric `banyan_limits_total` and in the access log.

use std::time::Duration;

use crate::h1::scan::HeadLimits;

/// How long anybody may take. `[timeouts]` of routes.toml, and a route's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a TLS handshake, or a PROXY protocol header.
    pub handshake: Duration,
    /// From a request's first byte to the end of its head, however steadily it trickles.
    pub head: Duration,
    /// Until a client's next request begins. Longer than the 60 s after which load balancers drop an
    /// idle connection: they must be the side that closes first, or a request of theirs meets a
    /// closed connection.
    pub keep_alive: Duration,
    /// Between two pieces of a request's body.
    pub body_idle: Duration,
    /// Until a client takes more of its answer.
    pub write_idle: Duration,
    /// To open a connection to a server.
    pub connect: Duration,
    /// From a request's last byte to its answer's head.
    pub answer: Duration,
    /// Between two pieces of an answer's body; not for event streams.
    pub answer_idle: Duration,
    /// From a request's head to its answer's last byte; `None`: unlimited.
    pub total: Option<Duration>,
    /// Without a byte in either direction of a tunnel.
    pub tunnel_idle: Duration,
    /// How long a connection to a server is kept for the next request. Puma closes an idle one
    /// after 20 s (5.x, 6.x) or 65 s (7.x); a request that is written while the server closes is
    /// lost, so ours must always be the side that closes first.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshake: seconds(10),
            head: seconds(15),
            keep_alive: seconds(75),
            body_idle: seconds(30),
            write_idle: seconds(60),
            connect: seconds(5),
            answer: seconds(30),
            answer_idle: seconds(60),
            total: None,
            tunnel_idle: Duration::from_hours(1),
            pool_idle: seconds(15),
        }
    }
}

/// How much anybody may send. `[limits]` of routes.toml, and a route's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request line; Puma's own limit of a URI is 12 KiB.
    pub request_line: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Bytes of a request's body.
    pub body: u64,
    /// Bytes a second that a request's body must bring on average, after [`RATE_GRACE`].
    pub min_rate: u64,
    /// Answers of a known length up to so many bytes are read off the server at once, however slowly
    /// their client takes them: a Puma thread writes its answer itself.
    pub buffer: usize,
    /// Requests in flight, in the whole process.
    pub in_flight: usize,
    /// Connections of clients, in the whole process.
    pub connections: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
}

/// A body's first seconds in which its rate is not looked at.
pub const RATE_GRACE: Duration = Duration::from_secs(5);

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 12 * 1024,
            head: 64 * 1024,
            fields: 128,
            body: 256 * 1024 * 1024,
            min_rate: 128,
            buffer: 1024 * 1024,
            in_flight: 10_000,
            connections: 50_000,
            streams: 100,
        }
    }
}

impl Limits {
    /// What a request's head may be.
    pub const fn request_head(&self) -> HeadLimits {
        HeadLimits { first_line: self.request_line, head: self.head, fields: self.fields }
    }
}

/// What an answer's head may be: servers are trusted more than clients, but not with our memory.
pub const ANSWER_HEAD: HeadLimits =
    HeadLimits { first_line: 8 * 1024, head: 64 * 1024, fields: 256 };

/// What holds for one route; routes without values of their own share one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long.
    pub timeouts: Timeouts,
    /// How much.
    pub limits: Limits,
}

/// A limit that fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the field of the same name of `Timeouts` or `Limits`")]
pub enum Limit {
    /// What an HTTP/2 client did to its connection; see `h2::conduct`.
    Abuse,
    Answer,
    AnswerIdle,
    Body,
    BodyIdle,
    Connect,
    Connections,
    Fields,
    Handshake,
    Head,
    HeadTimeout,
    InFlight,
    KeepAlive,
    MinRate,
    /// The upstream's queue was full.
    Queue,
    /// The request waited too long in the upstream's queue.
    QueueTimeout,
    RequestLine,
    Total,
    TunnelIdle,
    WriteIdle,
}

impl Limit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 20] = [
        Self::Abuse,
        Self::Answer,
        Self::AnswerIdle,
        Self::Body,
        Self::BodyIdle,
        Self::Connect,
        Self::Connections,
        Self::Fields,
        Self::Handshake,
        Self::Head,
        Self::HeadTimeout,
        Self::InFlight,
        Self::KeepAlive,
        Self::MinRate,
        Self::Queue,
        Self::QueueTimeout,
        Self::RequestLine,
        Self::Total,
        Self::TunnelIdle,
        Self::WriteIdle,
    ];

    /// Its name: `timeouts.…` or `limits.…` of routes.toml, without that prefix where only one of
    /// the two tables has it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Abuse => "abuse",
            Self::Answer => "answer",
            Self::AnswerIdle => "answer_idle",
            Self::Body => "body",
            Self::BodyIdle => "body_idle",
            Self::Connect => "connect",
            Self::Connections => "connections",
            Self::Fields => "fields",
            Self::Handshake => "handshake",
            Self::Head => "limits.head",
            Self::HeadTimeout => "timeouts.head",
            Self::InFlight => "in_flight",
            Self::KeepAlive => "keep_alive",
            Self::MinRate => "min_rate",
            Self::Queue => "queue",
            Self::QueueTimeout => "queue_timeout",
            Self::RequestLine => "request_line",
            Self::Total => "total",
            Self::TunnelIdle => "tunnel_idle",
            Self::WriteIdle => "write_idle",
        }
    }

    /// Whose doing it was: `downstream` (the client), `upstream` (the server), `proxy` (us).
    pub const fn side(self) -> &'static str {
        match self {
            Self::Answer | Self::AnswerIdle | Self::Connect | Self::Queue | Self::QueueTimeout => {
                "upstream"
            }
            Self::Connections | Self::InFlight | Self::Total | Self::TunnelIdle => "proxy",
            _ => "downstream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbered_as_they_are_listed() {
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, number, "{}", limit.label());
        }
    }

    #[test]
    fn our_side_closes_first_towards_puma_and_last_towards_load_balancers() {
        let Timeouts { pool_idle, keep_alive, .. } = Timeouts::default();
        assert!(pool_idle < Duration::from_secs(20) && keep_alive > Duration::from_mins(1));
    }
}

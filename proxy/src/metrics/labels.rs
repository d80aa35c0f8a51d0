//! Who answered, and why not the other: the values of labels that many places name.

/// Who answered the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The Rails monolith.
    Monolith,
    /// The route's own upstream, in the monolith's place.
    Upstream,
    /// A handler extracted into Rust.
    Extraction,
    /// Banyan itself: a refusal or an error page.
    Proxy,
}

impl Side {
    /// Of the monolith and an upstream only one answers a route: they share a place.
    pub(super) const fn place(self) -> usize {
        match self {
            Self::Monolith | Self::Upstream => 0,
            Self::Extraction => 1,
            Self::Proxy => 2,
        }
    }

    /// The value of the `side` label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Monolith => "monolith",
            Self::Upstream => "upstream",
            Self::Extraction => "extraction",
            Self::Proxy => "proxy",
        }
    }
}

/// Why the monolith answered a request that an extraction should have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The handler, or its database, failed.
    Error,
    /// The handler panicked.
    Panic,
    /// The handler did not answer within the route's `timeout`.
    Deadline,
    /// All permits of the extraction runtime were taken.
    Overload,
    /// The handler does not reproduce this kind of request, and said so.
    Declined,
    /// The handler failed so often that it is left alone.
    Breaker,
}

impl Fallback {
    pub(super) const ALL: [Self; 6] =
        [Self::Error, Self::Panic, Self::Deadline, Self::Overload, Self::Declined, Self::Breaker];

    /// The value of the `reason` label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Deadline => "deadline",
            Self::Overload => "overload",
            Self::Declined => "declined",
            Self::Breaker => "breaker",
        }
    }
}

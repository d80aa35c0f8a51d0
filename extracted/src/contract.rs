//! The contract between a handler and whoever calls it.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use rand::{SeedableRng as _, rngs::StdRng};
use sqlx::{MySql, Transaction};
use time::OffsetDateTime;

/// One action of the monolith, answered in Rust.
#[derive(Debug, Clone, Copy)]
pub struct Extraction {
    /// `catalog.show`: the handler's path in this crate, the route's id, the metric label and the
    /// report's key.
    pub id: &'static str,
    /// The Rails action that it replaces: `Api::ProductsController#show`.
    pub replaces: &'static str,
    /// What it leaves behind besides its reply.
    pub effects: Effects,
    /// The handler.
    pub run: for<'a> fn(&'a mut Ctx, &'a Request) -> HandlerFuture<'a>,
}

/// What a handler leaves behind besides its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// Nothing.
    None,
    /// Rows, in the transaction of its [`Ctx`].
    Rows,
}

/// What a handler returns; write `|ctx, request| Box::pin(show(ctx, request))`.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'a>>;

/// All that a handler may touch. The caller commits or rolls back, so no handler can tell whether a
/// buyer waits for its reply or only the judge.
#[derive(Debug)]
pub struct Ctx {
    /// The transaction that everything happens in.
    pub tx: Transaction<'static, MySql>,
    /// What the clock says: when the request arrived.
    pub now: OffsetDateTime,
    /// The source of everything random.
    pub random: StdRng,
}

impl Ctx {
    /// A context whose randomness is its own.
    pub fn new(tx: Transaction<'static, MySql>, now: OffsetDateTime) -> Self {
        Self { tx, now, random: StdRng::from_rng(&mut rand::rng()) }
    }
}

/// A request as a handler sees it: safe methods only, so there is no body.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `HEAD`.
    pub method: Method,
    /// The path's raw bytes, without the query.
    pub path: String,
    /// The route's `{name}`s with their values, decoded.
    pub params: Vec<(String, String)>,
    /// The query's raw bytes, without `?`; empty when there is none.
    pub query: String,
    /// The header fields as the client sent them.
    pub headers: HeaderMap,
}

impl Request {
    /// The value of the route's `{name}`.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] when the route has no such parameter: routes.toml and the handler
    /// disagree, and the monolith knows what to answer.
    pub fn param(&self, name: &str) -> Result<&str, HandlerError> {
        let found = self.params.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str()).ok_or(HandlerError::Declined("route parameter missing"))
    }
}

/// What the buyer gets. `X-Request-Id` and `X-Runtime` are the caller's to set.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status line's code.
    pub status: StatusCode,
    /// All header fields but the framing.
    pub headers: HeaderMap,
    /// The body; empty for HEAD.
    pub body: Bytes,
}

/// Why there is no reply. Whatever the reason, the monolith answers the request instead, so an
/// answer that Rails would give too, such as a 404 page, is a [`Reply`].
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The request is of a kind that this handler does not reproduce.
    #[error("declined: {0}")]
    Declined(&'static str),
    /// A statement failed, or a row does not look as it must.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

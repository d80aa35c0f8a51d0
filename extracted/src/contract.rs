//! The contract between a handler and whoever calls it.

use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use rand::{SeedableRng as _, rngs::StdRng};
use sqlx::{MySql, Transaction};
use time::OffsetDateTime;

use crate::rails::{
    job::Job,
    query::{NotPlain, Query},
};

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

/// What a handler leaves behind besides its reply, each kind more than the one before. Whoever calls
/// it holds it to that: what a handler leaves beyond its kind fails it before anything is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// Nothing: its transaction is rolled back.
    None,
    /// Rows that nobody misses if they are lost, such as a count of views: the reply stands whatever
    /// becomes of the commit.
    Counters,
    /// Rows of the transaction in its [`Ctx`], events included, which are rows of an outbox. The
    /// reply stands only if it is certain that they were committed.
    Rows,
    /// Rows, and jobs that leave after the commit and are not lost then. A mail is a job.
    RowsAndJobs,
}

/// What [`Extraction::run`] returns; write `|ctx, request| Box::pin(show(ctx, request))`.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'a>>;

/// All that a handler may touch. The caller commits or rolls back, so no handler can tell whether a
/// buyer waits for its reply or only the judge. Nothing of it is seen by anybody before the commit.
#[derive(Debug)]
pub struct Ctx {
    /// The transaction that everything happens in.
    pub tx: Transaction<'static, MySql>,
    /// What the clock says: when the request arrived.
    pub now: OffsetDateTime,
    /// The source of everything random.
    pub random: StdRng,
    /// What is to be done later, in this order.
    pub jobs: Vec<Job>,
}

impl Ctx {
    /// A context whose randomness is its own.
    pub fn new(tx: Transaction<'static, MySql>, now: OffsetDateTime) -> Self {
        Self { tx, now, random: StdRng::from_rng(&mut rand::rng()), jobs: Vec::new() }
    }
}

/// A request as a handler sees it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method on the wire.
    pub method: Method,
    /// The path's raw bytes, without the query.
    pub path: String,
    /// The route's `{name}`s with their values, decoded.
    pub params: Vec<(String, String)>,
    /// The query's raw bytes, without `?`; empty when there is none.
    pub query: String,
    /// The header fields as the client sent them.
    pub headers: HeaderMap,
    /// The body, whole; empty when there is none. A longer one than the route's `limits.buffer` is
    /// the monolith's.
    pub body: Bytes,
}

impl Request {
    /// The query's parameters, read as Rails reads them before it runs any action; for an action
    /// that expects no body.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] where Rails would refuse the query or the content type, would not
    /// see plain strings, or would see a body's parameters too. So an action calls this even when it
    /// wants no parameter.
    pub fn query(&self) -> Result<Query, HandlerError> {
        if !self.body.is_empty() {
            return Err(HandlerError::Declined("the request has a body where none is expected"));
        }
        let content_type = self.headers.get(CONTENT_TYPE);
        if content_type.is_some_and(|it| it != "application/json") {
            return Err(HandlerError::Declined("the request has no body but a content type"));
        }
        Ok(Query::parse(&self.query)?)
    }

    /// The value of the route's `{name}`.
    ///
    /// # Errors
    /// [`HandlerError::Declined`] when the route has no such parameter: routes.toml and the handler
    /// disagree, and the monolith knows what to answer.
    pub fn param(&self, name: &str) -> Result<&str, HandlerError> {
        let found = self.params.iter().find(|(it, _)| it == name);
        found
            .map(|(_, value)| value.as_str())
            .ok_or(HandlerError::Declined("the route has no such path parameter"))
    }
}

/// What the buyer gets. The framing, `X-Request-Id` and `X-Runtime` are the caller's to set: they
/// tell of the request's way through the proxy, which no handler knows.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status line's code.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body; empty for `HEAD`.
    pub body: Bytes,
}

/// Why there is no reply. Whatever the reason, the monolith answers the request instead, so an
/// answer that Rails would give too, such as a 404 page, is a [`Reply`].
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The request is of a kind that this handler does not reproduce.
    #[error("declined: {0}")]
    Declined(&'static str),
    /// A statement failed, or a row is not as the handler knows the table.
    #[error("a statement failed in the monolith's database")]
    Database(#[from] sqlx::Error),
    /// A value has no JSON form.
    #[error("the reply could not be written as JSON")]
    Json(#[source] serde_json::Error),
}

impl From<NotPlain> for HandlerError {
    fn from(NotPlain(why): NotPlain) -> Self {
        Self::Declined(why)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn get(params: &[(&str, &str)]) -> Request {
        Request {
            method: Method::GET,
            path: "/".to_owned(),
            params: params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn a_path_parameter_that_the_route_does_not_name_is_declined() {
        let request = get(&[("id", "7")]);
        assert_eq!(request.param("id").unwrap(), "7");
        assert!(matches!(request.param("slug"), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn a_query_that_rack_would_not_read_as_strings_is_declined() {
        let mut request = get(&[]);
        request.query = "page=2".to_owned();
        assert_eq!(request.query().unwrap().get("page"), Some("2"));
        request.query = "page[]=2".to_owned();
        assert!(matches!(request.query(), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn a_body_beside_the_query_is_declined() {
        let request = Request { body: Bytes::from_static(b"page=2"), ..get(&[]) };
        assert!(matches!(request.query(), Err(HandlerError::Declined(_))));
    }

    #[test]
    fn a_content_type_that_rails_might_refuse_is_declined() {
        let mut request = get(&[]);
        for (content_type, read) in
            [("application/json", true), ("garbage", false), ("multipart/form-data", false)]
        {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(request.query().is_ok(), read, "{content_type}");
        }
    }
}

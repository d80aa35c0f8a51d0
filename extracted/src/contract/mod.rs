//! The contract between a handler and whoever calls it.

mod application;
mod ctx;
mod error;
mod forgery;
mod reply;
mod request;
mod tx;

use std::pin::Pin;

pub use application::{Application, Defaults, Forgery};
pub use ctx::Ctx;
pub use error::HandlerError;
pub use reply::Reply;
pub use request::Request;
pub use tx::Tx;

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
    /// The handler. Callers use [`Extraction::answer`].
    pub run: for<'a> fn(&'a mut Ctx, &'a Request) -> HandlerFuture<'a>,
}

/// What a handler leaves behind besides its reply, each kind more than the one before. Whoever calls
/// it holds it to that: what a handler leaves beyond its kind fails it before anything is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// Nothing but the buyer's session: its transaction is rolled back.
    None,
    /// Rows that nobody misses if they are lost, such as a count of views: the reply stands whatever
    /// becomes of the commit.
    Counters,
    /// Rows of the transaction in its [`Ctx`], events included, which are rows of an outbox. The
    /// reply stands only if it is certain that they were committed.
    Rows,
    /// Rows, and what leaves after the commit: jobs, which are not lost then, and broadcasts. A mail
    /// is a job.
    RowsAndJobs,
}

/// What [`Extraction::run`] returns; write `|ctx, request| Box::pin(show(ctx, request))`.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'a>>;

impl Extraction {
    /// Runs the handler, and puts the session that it leaves into its reply. What it wrote in the
    /// transaction, its jobs, and a session that is on a server ([`Ctx::take_unsaved_session`]) are
    /// left to the caller.
    ///
    /// # Errors
    /// The handler's, and [`HandlerError::Session`] where the session cannot be kept.
    pub async fn answer(&self, ctx: &mut Ctx, request: &Request) -> Result<Reply, HandlerError> {
        ctx.fetch_session(request).await;
        let mut reply = (self.run)(ctx, request).await?;
        ctx.commit_session(&mut reply)?;
        Ok(reply)
    }
}

//! A tower layer made of an async function: `f(request, next) -> response`.
//!
//! The function's own future is the service's future, so a layer costs neither a box nor a
//! hand-written state machine.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use tower::{Layer, Service};

/// The rest of the stack, as a layer sees it. Everything below has an answer to everything: errors
/// have become answers where they happened.
pub trait Next<Request>: Service<Request, Error = Infallible> + Clone {
    /// Passes the request on; the future waits for its answer.
    fn answer(mut self, request: Request) -> Surely<Self::Future>
    where
        Self: Sized,
    {
        // The services of this stack are always ready: none of them holds a queue.
        Surely { answer: self.call(request) }
    }
}

impl<S, Request> Next<Request> for S where S: Service<Request, Error = Infallible> + Clone {}

/// Wraps what is below in `f`, which receives each request and the rest of the stack.
pub const fn around<F>(f: F) -> Around<F> {
    Around { f }
}

/// See [`around`].
#[derive(Debug, Clone, Copy)]
pub struct Around<F> {
    f: F,
}

impl<F: Clone, S> Layer<S> for Around<F> {
    type Service = AroundService<F, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AroundService { f: self.f.clone(), inner }
    }
}

/// The service that [`Around`] makes.
#[derive(Debug, Clone)]
pub struct AroundService<F, S> {
    f: F,
    inner: S,
}

impl<F, S, Request, Answer> Service<Request> for AroundService<F, S>
where
    S: Clone,
    F: Fn(Request, S) -> Answer,
    Answer: Future,
{
    type Response = Answer::Output;
    type Error = Infallible;
    type Future = Infallibly<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Infallibly { answer: (self.f)(request, self.inner.clone()) }
    }
}

pin_project_lite::pin_project! {
    /// A future that cannot fail, as the `Result` that tower asks for.
    #[derive(Debug)]
    pub struct Infallibly<Answer> {
        #[pin]
        answer: Answer,
    }
}

impl<Answer: Future> Future for Infallibly<Answer> {
    type Output = Result<Answer::Output, Infallible>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().answer.poll(cx).map(Ok)
    }
}

pin_project_lite::pin_project! {
    /// The reverse: the answer of a service that cannot fail. An `async` block would hold the future
    /// twice, once before and once while it is waited for, and so would each of those around it.
    #[derive(Debug)]
    pub struct Surely<Answer> {
        #[pin]
        answer: Answer,
    }
}

impl<Answer, Response> Future for Surely<Answer>
where
    Answer: Future<Output = Result<Response, Infallible>>,
{
    type Output = Response;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        self.project().answer.poll(cx).map(|answer| match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        })
    }
}

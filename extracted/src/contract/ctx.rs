//! All that a handler may touch.

use std::sync::Arc;

use http::header::SET_COOKIE;
use rand::{SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Application, HandlerError, Reply, Request, Tx};
use crate::rails::{
    cable::Broadcast,
    flash::Flash,
    job::{Job, JobError, Mail, Sidekiq, Stamp},
    json,
    record::truncated,
    session::{Session, SessionError, Sessions, UnsavedSession},
};

/// All that a handler may touch. The caller commits or rolls back, so no handler can tell whether a
/// buyer waits for its reply or only the judge. Nothing of it is seen by anybody before the commit.
#[derive(Debug)]
pub struct Ctx {
    /// The transaction that everything happens in.
    pub tx: Tx,
    /// What the clock says: when the request arrived.
    pub now: OffsetDateTime,
    /// The source of everything random: ids, tokens, nonces.
    pub random: StdRng,
    /// What is to be done later, in this order. A mail is a job.
    pub jobs: Vec<Job>,
    /// What those who watch are told after the commit: at most once, as by Rails.
    pub broadcasts: Vec<Broadcast>,
    /// The monolith's settings.
    pub application: Arc<Application>,
    /// What a store on a server had, when it was asked: before the handler runs.
    fetched: Option<Result<Session, SessionError>>,
    session: Option<Session>,
    unsaved: Option<UnsavedSession>,
    flash: Option<Flash>,
}

impl Ctx {
    /// A context at that time. What is random in it is told by `seed`: whoever calls several handlers
    /// for one request gives them the same, and nobody outside may know it.
    pub fn new(tx: Tx, now: OffsetDateTime, seed: [u8; 32], application: Arc<Application>) -> Self {
        Self {
            tx,
            now,
            random: StdRng::from_seed(seed),
            jobs: Vec::new(),
            broadcasts: Vec::new(),
            application,
            fetched: None,
            session: None,
            unsaved: None,
            flash: None,
        }
    }

    /// `session`: read when it is first asked for, and kept with the reply if it changed.
    ///
    /// # Errors
    /// When it cannot be read here: the monolith answers.
    pub fn session(&mut self, request: &Request) -> Result<&mut Session, HandlerError> {
        let session = if let Some(session) = self.session.take() {
            session
        } else {
            let sessions = self.application.sessions.as_ref().ok_or(HandlerError::NoSessions)?;
            let session = match (sessions, self.fetched.take()) {
                (_, Some(fetched)) => fetched?,
                (Sessions::Cookie(store), None) => store.load(&request.headers, self.now)?,
                (Sessions::Redis(_), None) => Session::none(),
            };
            if !session.exists() && sessions.cookie().sent(&request.headers).is_some() {
                // With a wrong secret or prefix every buyer would look like a visitor, and be signed
                // out. Of a session that has expired Rails begins the next one.
                return Err(HandlerError::Declined(
                    "the session cookie is of no session known here",
                ));
            }
            session
        };
        Ok(self.session.insert(session))
    }

    /// `flash`: as soon as it is asked for, what the last page left is gone.
    ///
    /// # Errors
    /// As [`Ctx::session`].
    pub fn flash(&mut self, request: &Request) -> Result<&mut Flash, HandlerError> {
        let flash = match self.flash.take() {
            Some(flash) => flash,
            None => Flash::load(self.session(request)?),
        };
        Ok(self.flash.insert(flash))
    }

    /// `reset_session`: forgets everything, lest somebody who knew the old session go on with it.
    ///
    /// # Errors
    /// As [`Ctx::session`].
    pub fn reset_session(&mut self, request: &Request) -> Result<(), HandlerError> {
        self.flash = None;
        self.session(request)?.reset();
        Ok(())
    }

    /// When, for whom and with what randomness a job is made: for Sidekiq up to 7.
    pub fn stamp(&mut self) -> Stamp<'_, StdRng> {
        Stamp { now: self.now, sidekiq: Sidekiq::UpTo7, random: &mut self.random }
    }

    /// `mail.deliver_later`: a job, which leaves after the commit.
    ///
    /// # Errors
    /// As [`Mail::deliver_later`].
    pub fn mail(&mut self, mail: Mail) -> Result<(), JobError> {
        let job = mail.deliver_later(&mut self.stamp())?;
        self.jobs.push(job);
        Ok(())
    }

    /// `OutboxEvent.record!(name, aggregate, payload)`: an event is a row of the transaction that it
    /// tells of, which the relay publishes after the commit.
    ///
    /// # Errors
    /// When the statement fails, or the payload has no JSON form.
    pub async fn event(
        &mut self,
        name: &str,
        (aggregate_type, aggregate_id): (&str, u64),
        payload: &(impl Serialize + Sync),
    ) -> Result<(), HandlerError> {
        // `serialize :payload, JSON` dumps by ActiveSupport::JSON.
        let payload = json::encode(payload).map_err(HandlerError::Json)?;
        sqlx::query(
            "INSERT INTO outbox_events (aggregate_type, aggregate_id, name, payload, created_at) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(aggregate_type)
        .bind(aggregate_id)
        .bind(name)
        .bind(String::from_utf8_lossy(&payload))
        .bind(truncated(self.now, 6))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Asks for the session where it is on a server. What that says is told who asks for the session:
    /// for the others it does not matter.
    pub(super) async fn fetch_session(&mut self, request: &Request) {
        if let Some(Sessions::Redis(store)) = &self.application.sessions {
            self.fetched = Some(store.load(&request.headers, self.now).await);
        }
    }

    /// What the caller has to save once everything else is certain, before it gives the reply away.
    /// Without that the session stays as it was.
    pub fn take_unsaved_session(&mut self) -> Option<UnsavedSession> {
        self.unsaved.take()
    }

    /// Puts the session into the reply, where the handler has changed it, or leaves it to be saved.
    pub(super) fn commit_session(&mut self, reply: &mut Reply) -> Result<(), HandlerError> {
        let Some(mut session) = self.session.take() else { return Ok(()) };
        if let Some(flash) = self.flash.take() {
            flash.commit(&mut session);
        }
        match &self.application.sessions {
            None => {}
            Some(Sessions::Cookie(store)) => {
                if let Some(cookie) = store.save(&session, self.now, &mut self.random)? {
                    let field = cookie.to_header().map_err(HandlerError::Header)?;
                    reply.headers.append(SET_COOKIE, field);
                }
            }
            Some(Sessions::Redis(store)) => {
                self.unsaved = store.save(&session, self.now, &mut self.random)?;
            }
        }
        Ok(())
    }
}

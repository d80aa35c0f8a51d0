//! Why there is no reply.

use http::header::InvalidHeaderValue;

use crate::rails::{
    job::JobError, params::ParamsError, password::PasswordError, query::NotPlain,
    serializer::Undecodable, session::SessionError,
};

/// Why there is no reply. Whatever the reason, the monolith answers the request instead, from the
/// same state: nothing of what the handler did stays.
///
/// The two that Rails raises to be rescued, [`NotFound`](Self::NotFound) and
/// [`InvalidAuthenticityToken`](Self::InvalidAuthenticityToken), become replies in
/// `controllers`.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The request is of a kind that this handler does not reproduce.
    #[error("declined: {0}")]
    Declined(&'static str),
    /// The parameters are not to be had.
    #[error("declined: the parameters cannot be read as Rails would")]
    Params(#[from] ParamsError),
    /// `ActiveRecord::RecordNotFound` of this model.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// `ActionController::InvalidAuthenticityToken`.
    #[error("the request is not shown to come from a page of ours")]
    InvalidAuthenticityToken,
    /// Nobody has told where the monolith's sessions are.
    #[error(
        "the session cannot be read: set BANYAN_SECRET_KEY_BASE, or BANYAN_SESSION_STORE where it is \
         in Redis"
    )]
    NoSessions,
    /// The session could not be read or kept.
    #[error("the session cannot be read or kept here")]
    Session(#[from] SessionError),
    /// A statement failed, or a row is not as the handler knows the table.
    #[error("a statement failed in the monolith's database")]
    Database(#[from] sqlx::Error),
    /// A password could not be looked at, where Rails raises.
    #[error("a password cannot be looked at as Rails would")]
    Password(#[from] PasswordError),
    /// A job could not be made.
    #[error("a job could not be made")]
    Job(#[from] JobError),
    /// A value has no JSON form.
    #[error("the reply could not be written as JSON")]
    Json(#[source] serde_json::Error),
    /// A value cannot stand in a header field.
    #[error("a header field of the reply could not be written")]
    Header(#[source] InvalidHeaderValue),
}

impl HandlerError {
    /// Whether the handler gave the request back for what the request is, and not because it failed.
    pub fn is_declined(&self) -> bool {
        match self {
            Self::Declined(_)
            | Self::Params(_)
            | Self::Password(_)
            | Self::NotFound(_)
            | Self::InvalidAuthenticityToken
            | Self::Session(
                SessionError::Undecodable(
                    Undecodable::Json(_) | Undecodable::Marshal(_) | Undecodable::NoHash,
                )
                | SessionError::Entry(_),
            ) => true,
            Self::NoSessions
            | Self::Session(
                SessionError::Cookie(_)
                | SessionError::Unwritable(_)
                | SessionError::Header(_)
                | SessionError::Redis(_),
            )
            | Self::Database(_)
            | Self::Job(_)
            | Self::Json(_)
            | Self::Header(_) => false,
        }
    }
}

impl From<NotPlain> for HandlerError {
    fn from(NotPlain(why): NotPlain) -> Self {
        Self::Declined(why)
    }
}

//! `User`.

use sqlx::{FromRow, MySqlConnection};

use crate::{
    contract::HandlerError,
    rails::{password, string::strip},
};

/// Somebody who has signed up.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password_digest: String,
    pub(crate) admin: bool,
}

impl User {
    /// `User.find_by(id: id)`
    pub(crate) async fn find_by_id(
        database: &mut MySqlConnection,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = "SELECT id, email, name, password_digest, admin FROM users WHERE id = ?";
        sqlx::query_as(sql).bind(id).fetch_optional(database).await
    }

    /// `User.find_by(email: email.to_s.strip.downcase)`
    async fn find_by_email(
        database: &mut MySqlConnection,
        email: &str,
    ) -> sqlx::Result<Option<Self>> {
        let sql =
            "SELECT id, email, name, password_digest, admin FROM users WHERE email = ? LIMIT 1";
        let email = strip(email).to_lowercase();
        sqlx::query_as(sql).bind(email).fetch_optional(database).await
    }

    /// `User.authenticate(email, password)`
    pub(crate) async fn authenticate(
        database: &mut MySqlConnection,
        email: &str,
        password: &str,
    ) -> Result<Option<Self>, HandlerError> {
        let Some(user) = Self::find_by_email(database, email).await? else { return Ok(None) };
        let right = password::verify(password, &user.password_digest).await?;
        Ok(right.then_some(user))
    }

    /// `user.notifications.unread.count`
    pub(crate) async fn unread_notifications(
        &self,
        database: &mut MySqlConnection,
    ) -> sqlx::Result<i64> {
        let sql = "SELECT COUNT(*) FROM notifications WHERE user_id = ? AND read_at IS NULL";
        sqlx::query_scalar(sql).bind(self.id).fetch_one(database).await
    }
}

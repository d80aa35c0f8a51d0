//! `Notification`.

use sqlx::{FromRow, MySqlConnection};
use time::OffsetDateTime;

use crate::rails::{column::DateTime, record::truncated};

/// What a buyer was told.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Notification {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) read_at: Option<DateTime>,
    pub(crate) created_at: DateTime,
}

macro_rules! notifications {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, message, path, read_at, created_at FROM notifications \
             WHERE user_id = ?",
            $rest
        )
    };
}

impl Notification {
    /// `user.notifications`, in whatever order MySQL finds them.
    pub(crate) async fn of_user(
        database: &mut MySqlConnection,
        user_id: i64,
    ) -> sqlx::Result<Vec<Self>> {
        sqlx::query_as(notifications!("")).bind(user_id).fetch_all(database).await
    }

    /// `user.notifications.newest_first`
    pub(crate) async fn newest_first(
        database: &mut MySqlConnection,
        user_id: i64,
    ) -> sqlx::Result<Vec<Self>> {
        let sql = notifications!(" ORDER BY created_at DESC, id DESC");
        sqlx::query_as(sql).bind(user_id).fetch_all(database).await
    }

    /// `user.notifications.find_by(id: id)`
    pub(crate) async fn find_by_id(
        database: &mut MySqlConnection,
        user_id: i64,
        id: i64,
    ) -> sqlx::Result<Option<Self>> {
        let sql = notifications!(" AND id = ?");
        sqlx::query_as(sql).bind(user_id).bind(id).fetch_optional(database).await
    }

    /// `read!`: once.
    pub(crate) async fn read(
        &self,
        database: &mut MySqlConnection,
        now: OffsetDateTime,
    ) -> sqlx::Result<()> {
        if self.read_at.is_some() {
            return Ok(());
        }
        let now = truncated(now, 6);
        let sql = "UPDATE notifications SET read_at = ?, updated_at = ? WHERE id = ?";
        sqlx::query(sql).bind(now).bind(now).bind(self.id).execute(database).await.map(drop)
    }
}

//! What is known of noise, as it outlives a process.

use super::{Store, StoreError};

impl Store {
    /// Keeps what is known of routes in the place of what was kept.
    pub(crate) async fn remember(&self, learned: &[(String, String)]) -> Result<(), StoreError> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (route, learned) in learned {
            sqlx::query(
                "INSERT INTO noise (route, learned) VALUES (?1, ?2) \
                 ON CONFLICT (route) DO UPDATE SET learned = ?2",
            )
            .bind(route)
            .bind(learned)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was kept, by route.
    pub(crate) async fn recall(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as("SELECT route, learned FROM noise").fetch_all(&self.pool).await?)
    }
}

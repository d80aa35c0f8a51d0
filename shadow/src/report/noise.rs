//! What is known of noise, as it outlives a process.

use sqlx::Row as _;

use super::{
    Store, StoreError,
    database::rows,
    table::{Merge, Table},
    value::Value,
};

const TABLE: Table =
    Table { name: "noise", key: &["route"], values: &[("learned", Merge::Replace)] };

impl Store {
    /// Keeps what is known of routes in the place of what was kept.
    pub(crate) async fn remember(&self, learned: &[(String, String)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<[Value<'_>; 2]> =
            learned.iter().map(|(route, it)| [route.as_str().into(), it.as_str().into()]).collect();
        tx.upsert(&TABLE, &rows).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was kept, by route; nothing of a store that was not opened, whose tables may be another
    /// build's.
    pub(crate) async fn recall(&self) -> Result<Vec<(String, String)>, StoreError> {
        if !self.is_open() {
            return Ok(Vec::new());
        }
        let kept = self.database.fetch("SELECT route, learned FROM noise", &[]).await?;
        Ok(rows(&kept, |it| Ok((it.try_get(0)?, it.try_get(1)?)))?)
    }
}

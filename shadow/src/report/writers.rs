//! The processes that write: how far each has come, when it last did, and which routes' verdicts they
//! hold.

use std::time::Duration;

use sqlx::Row as _;

use super::{
    clock::{Now, milliseconds},
    database::{Tx, integers},
    table::{Merge, Table},
};

/// Processes that have not written for so long have ended: the living do so once a minute, if only to
/// look for what is old.
const GONE: Duration = Duration::from_mins(3);

const WRITERS: Table = Table {
    name: "writers",
    key: &["writer"],
    values: &[("flush", Merge::Keep), ("at", Merge::Keep)],
};

/// Which processes have counted for what a route is bound to.
const HOLDERS: Table = Table { name: "holders", key: &["route", "writer"], values: &[] };

/// Notes that a flush is written, and whether it was not already.
pub(super) async fn is_new(
    tx: &mut Tx,
    writer: &str,
    number: u64,
    now: Now,
) -> Result<bool, sqlx::Error> {
    let at = now.at.into();
    tx.upsert(&WRITERS, &[[writer.into(), 0_u64.into(), at]]).await?;
    let statement = "UPDATE writers SET flush = $1, at = $2 WHERE writer = $3 AND flush < $4";
    let values = [number.into(), at, writer.into(), number.into()];
    Ok(tx.execute(statement, &values).await? > 0)
}

/// Notes that a process lives.
pub(super) async fn live(tx: &mut Tx, writer: &str, now: Now) -> Result<(), sqlx::Error> {
    let at = now.at.into();
    tx.upsert(&WRITERS, &[[writer.into(), 0_u64.into(), at]]).await?;
    let statement = "UPDATE writers SET at = $1 WHERE writer = $2";
    tx.execute(statement, &[at, writer.into()]).await.map(drop)
}

/// When any of them last wrote; `None` where none ever did.
pub(super) async fn newest(tx: &mut Tx) -> Result<Option<i64>, sqlx::Error> {
    let found = tx.fetch("SELECT MAX(at) FROM writers", &[]).await?;
    Ok(found.first().map(|it| it.try_get(0)).transpose()?.flatten())
}

/// Notes that a process counts for what the route is bound to.
pub(super) async fn hold(tx: &mut Tx, route: &str, writer: &str) -> Result<(), sqlx::Error> {
    tx.upsert(&HOLDERS, &[[route.into(), writer.into()]]).await
}

/// Whether a process that counts for what the route is bound to still writes, whatever it writes of.
pub(super) async fn is_held(tx: &mut Tx, route: &str, now: Now) -> Result<bool, sqlx::Error> {
    let statement = "SELECT COUNT(*) FROM holders JOIN writers ON writers.writer = holders.writer \
                     WHERE route = $1 AND at > $2 AND at < $3";
    // What was written in the future was by a clock that has been set back since.
    let gone = milliseconds(GONE);
    let values = [route.into(), (now.at - gone).into(), (now.at + gone).into()];
    let found = tx.fetch(statement, &values).await?;
    Ok(integers(&found)?.first().is_some_and(|it| *it > 0))
}

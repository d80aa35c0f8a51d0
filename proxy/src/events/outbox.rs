//! The monolith's table of events: which are to be published, and which have been.
//!
//! Rows become visible in another order than that of their ids: a transaction that began earlier may
//! commit later. So no place is remembered up to which everything is done; each batch is made of the
//! first rows without `published_at`, and a row that appears below others is simply among the first.
//! Within one aggregate that cannot happen, as long as whoever writes its event holds the aggregate's
//! row locked (or has just inserted it): the next id is then drawn only after the transaction with
//! the one before has been committed, and who sees the later row sees the earlier one too.

use sqlx::{Connection as _, MySql, MySqlConnection, QueryBuilder};

use super::{held_back::Held, lease::Lease};

/// How many events are read at once.
pub(super) const BATCH: usize = 500;

/// As many events are counted at most.
const COUNTED: u32 = 10_000;

/// The longest payload that is read at all, in bytes: as long as a message may be.
pub(super) const MAX_PAYLOAD: u32 = 1_000_000;

/// What an event is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Aggregate {
    /// Its class in Rails: `Order`.
    pub(super) class: String,
    /// Its row's id.
    pub(super) id: i64,
}

/// A row of `outbox_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The row's id.
    pub(super) id: i64,
    /// What it is of.
    pub(super) aggregate: Aggregate,
    /// What happened: `order.placed`.
    pub(super) name: String,
    /// JSON as the monolith wrote it; `None` when it is too long for a message.
    pub(super) payload: Option<Vec<u8>>,
    /// When it was written: RFC 3339, UTC, with microseconds.
    pub(super) created_at: String,
}

type Row = (i64, String, i64, String, Option<Vec<u8>>, String);

/// The next events, by id, without those of what is `left_out`.
pub(super) async fn pending<'a>(
    connection: &mut MySqlConnection,
    left_out: impl Iterator<Item = &'a Held>,
) -> Result<Vec<Event>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT id, aggregate_type, aggregate_id, name, \
         IF(LENGTH(payload) > ",
    );
    query.push_bind(MAX_PAYLOAD).push(
        ", NULL, CAST(payload AS BINARY)), DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ') \
         FROM outbox_events WHERE published_at IS NULL",
    );
    for held in left_out {
        match held {
            Held::Aggregate(Aggregate { class, id }) => {
                query.push(" AND NOT (aggregate_type = ").push_bind(class);
                query.push(" AND aggregate_id = ").push_bind(id).push(")");
            }
            Held::Class(class) => {
                query.push(" AND aggregate_type <> ").push_bind(class);
            }
        }
    }
    query.push(" ORDER BY id LIMIT ").push_bind(BATCH as u64);
    let rows: Vec<Row> = query.build_query_as().persistent(false).fetch_all(connection).await?;
    let event = |(id, class, aggregate, name, payload, created_at)| Event {
        id,
        aggregate: Aggregate { class, id: aggregate },
        name,
        payload,
        created_at,
    };
    Ok(rows.into_iter().map(event).collect())
}

/// Marks events as published, unless the lease is lost; whether it is still held.
///
/// Rows are found by their ids alone, so that no gap is locked into which a buyer's transaction
/// would insert.
pub(super) async fn mark(
    connection: &mut MySqlConnection,
    lease: &Lease,
    events: &[i64],
) -> Result<bool, sqlx::Error> {
    let mut tx = connection.begin().await?;
    let mut query = QueryBuilder::<MySql>::new(
        "UPDATE outbox_events FORCE INDEX (PRIMARY) SET published_at = UTC_TIMESTAMP(6) \
         WHERE id IN (",
    );
    let mut ids = query.separated(", ");
    for id in events {
        ids.push_bind(id);
    }
    query.push(")").build().persistent(false).execute(&mut *tx).await?;
    // Last, since it keeps the lease from being renewed until the commit.
    if !lease.confirm(&mut tx).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// What is not published: how many events, and for how many seconds the oldest has waited.
pub(super) async fn waiting(connection: &mut MySqlConnection) -> Result<(i64, f64), sqlx::Error> {
    let oldest = "SELECT TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)) \
                  FROM outbox_events WHERE published_at IS NULL ORDER BY id LIMIT 1";
    let oldest: Option<i64> = sqlx::query_scalar(oldest).fetch_optional(&mut *connection).await?;
    let count = "SELECT COUNT(*) FROM \
                 (SELECT 1 FROM outbox_events WHERE published_at IS NULL LIMIT ?) AS counted";
    let count = sqlx::query_scalar(count).bind(COUNTED).fetch_one(connection).await?;
    // A clock in Rails that is ahead of the database's makes no event of the future.
    let micros = u64::try_from(oldest.unwrap_or(0)).unwrap_or(0);
    Ok((count, std::time::Duration::from_micros(micros).as_secs_f64()))
}

//! The reports that are read.

use std::time::Duration;

use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use time::{Date, OffsetDateTime, macros::format_description};

use super::{
    DifferenceReport, RouteReport, RuleReport, Sample, Side, StoreError, forms, routes,
    store::{newest, options},
};
use crate::{Class, DifferenceKind, Suggestion};

/// Reads a store. Cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Reports {
    pool: SqlitePool,
}

impl Reports {
    pub(super) const fn of(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Opens a store that is there already, for reading only; it may be in use.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Open`], or [`StoreError::Older`].
    pub async fn open_read_only(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?.read_only(true).busy_timeout(Duration::from_secs(2));
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await;
        let pool = pool.map_err(StoreError::Open)?;
        let version: i64 = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
            .fetch_one(&pool)
            .await?;
        if version < newest() {
            return Err(StoreError::Older);
        }
        Ok(Self { pool })
    }

    /// Every route that was ever judged, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn routes(&self) -> Result<Vec<RouteReport>, StoreError> {
        routes::all(&self.pool).await
    }

    /// One route; `None` when it was never judged.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn route(&self, route: &str) -> Result<Option<RouteReport>, StoreError> {
        routes::one(&self.pool, route).await
    }

    /// A route's differences: those that count before those that are excused, the critical first,
    /// the frequent first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn differences(&self, route: &str) -> Result<Vec<DifferenceReport>, StoreError> {
        let rows: Vec<DifferenceRow> = sqlx::query_as(
            "SELECT * FROM differences WHERE route = ? \
             ORDER BY requests > excused DESC, class DESC, requests DESC, path, kind",
        )
        .bind(route)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(DifferenceRow::report).collect::<Result<_, _>>()?)
    }

    /// The samples of one difference of the route, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn samples(&self, route: &str, difference: &str) -> Result<Vec<Sample>, StoreError> {
        let rows: Vec<SampleRow> = sqlx::query_as(
            "SELECT samples.* FROM samples JOIN differences ON differences.id = difference \
             WHERE route = ? AND difference = ? ORDER BY samples.id DESC",
        )
        .bind(route)
        .bind(difference)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(SampleRow::sample).collect::<Result<_, _>>()?)
    }
}

#[derive(sqlx::FromRow)]
struct DifferenceRow {
    id: String,
    route: String,
    path: String,
    kind: String,
    class: String,
    requests: i64,
    excused: i64,
    noise: i64,
    why: Option<String>,
    until: Option<String>,
    expired: bool,
    forms: Option<String>,
    first_seen: i64,
    last_seen: i64,
}

impl DifferenceRow {
    fn report(self) -> Result<DifferenceReport, sqlx::Error> {
        let format = format_description!("[year]-[month]-[day]");
        let until = self.until.map(|it| Date::parse(&it, format)).transpose();
        let until = until.map_err(|_| decode("a rule's last day"))?;
        let class = Class::parse(&self.class).ok_or_else(|| decode("a class"))?;
        let is_excused = self.why.is_some() && !self.expired && self.noise < self.excused;
        let (forms, noise) = (forms::read(self.forms.as_deref()), unsigned(self.noise));
        let today = OffsetDateTime::now_utc().date();
        let suggestion = Suggestion::of(&self.path, class, &forms, noise, today);
        Ok(DifferenceReport {
            suggestion: suggestion.filter(|_| !is_excused),
            id: self.id,
            route: self.route,
            path: self.path,
            kind: DifferenceKind::parse(&self.kind).ok_or_else(|| decode("a kind"))?,
            class,
            requests: unsigned(self.requests),
            excused: unsigned(self.excused),
            noise: unsigned(self.noise),
            rule: self.why.map(|why| RuleReport { why, until, expired: self.expired }),
            first_seen: time(self.first_seen)?,
            last_seen: time(self.last_seen)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct SampleRow {
    id: i64,
    at: i64,
    request: String,
    request_id: String,
    path: String,
    omitted: i64,
    control_status: u16,
    control_value: Option<String>,
    control_body: String,
    candidate_status: u16,
    candidate_value: Option<String>,
    candidate_body: String,
}

impl SampleRow {
    fn sample(self) -> Result<Sample, sqlx::Error> {
        Ok(Sample {
            id: self.id.to_string(),
            at: time(self.at)?,
            request: self.request,
            request_id: self.request_id,
            path: self.path,
            omitted: unsigned(self.omitted),
            control: Side {
                status: self.control_status,
                value: self.control_value,
                body: self.control_body,
            },
            candidate: Side {
                status: self.candidate_status,
                value: self.candidate_value,
                body: self.candidate_body,
            },
        })
    }
}

/// Something in the store that this build does not write.
pub(super) fn decode(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} in the store is not one that this build knows").into())
}

pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

pub(super) fn time(milliseconds: i64) -> Result<OffsetDateTime, sqlx::Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .map_err(|_| decode("a time"))
}

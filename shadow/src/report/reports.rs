//! The reports that are read.

use std::cmp::{Ordering, Reverse};

use sqlx::{FromRow as _, Row as _, any::AnyRow};
use time::{Date, OffsetDateTime, macros::format_description};

use super::{
    DifferenceReport, RouteReport, RuleReport, Sample, Side, StoreError,
    database::{Database, rows},
    forms, races, routes,
};
use crate::{Class, DifferenceKind, Suggestion};

/// Reads a store. Cloning is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Reports {
    database: Database,
}

impl Reports {
    pub(super) const fn of(database: Database) -> Self {
        Self { database }
    }

    /// Opens a store that is there already, for reading only; it may be in use.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Open`], or what is wrong with its tables.
    pub async fn open_read_only(url: &str) -> Result<Self, StoreError> {
        let database = Database::read_only(url)?;
        database.reach().await?;
        let tables = database.fetch(database.dialect.tables(), &[]).await?;
        if !rows(&tables, |it| it.try_get::<String, _>(0))?
            .iter()
            .any(|it| it == "_sqlx_migrations")
        {
            return Err(StoreError::Foreign);
        }
        let reports = Self { database };
        reports.readable().await?;
        Ok(reports)
    }

    /// The database, if its tables are those that this build reads: another build may have changed
    /// them since the store was opened, and a process serves beside a store that it cannot open.
    async fn readable(&self) -> Result<&Database, StoreError> {
        // One that was left half-way counts when it is done.
        let statement = "SELECT MAX(version) FROM _sqlx_migrations WHERE success = TRUE";
        let version = self.database.fetch(statement, &[]).await?;
        let version: Option<i64> = version.first().map(|it| it.try_get(0)).transpose()?.flatten();
        match version.unwrap_or_default().cmp(&self.database.dialect.newest()) {
            Ordering::Less => Err(StoreError::Older),
            Ordering::Equal => Ok(&self.database),
            Ordering::Greater => Err(StoreError::Newer),
        }
    }

    /// Every route that was ever judged, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn routes(&self) -> Result<Vec<RouteReport>, StoreError> {
        routes::all(self.readable().await?).await
    }

    /// One route; `None` when it was never judged.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn route(&self, route: &str) -> Result<Option<RouteReport>, StoreError> {
        routes::one(self.readable().await?, route).await
    }

    /// A route's differences: those that count before those that are excused, the critical first,
    /// the frequent first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn differences(&self, route: &str) -> Result<Vec<DifferenceReport>, StoreError> {
        let statement = "SELECT * FROM differences WHERE route = $1";
        let found = self.readable().await?.fetch(statement, &[route.into()]).await?;
        let mut found = rows(&found, |it| DifferenceRow::from_row(it)?.report())?;
        // Here, since no two databases sort texts alike.
        found.sort_by(|a, b| {
            let key = |it: &DifferenceReport| {
                (it.requests <= it.excused, it.class == Class::Cosmetic, Reverse(it.requests))
            };
            let place = |it: &DifferenceReport| (it.path.clone(), it.kind.label());
            key(a).cmp(&key(b)).then_with(|| place(a).cmp(&place(b)))
        });
        Ok(found)
    }

    /// The samples of one difference of the route, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn samples(&self, route: &str, difference: &str) -> Result<Vec<Sample>, StoreError> {
        let statement = "SELECT samples.* FROM samples \
                         JOIN differences ON differences.id = samples.difference \
                         WHERE route = $1 AND difference = $2 ORDER BY samples.id DESC";
        let values = [route.into(), difference.into()];
        let found = self.readable().await?.fetch(statement, &values).await?;
        Ok(rows(&found, sample)?)
    }

    /// Samples of the route's requests that raced, the newest first: what changed between the two
    /// answers, which is no difference.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn races(&self, route: &str) -> Result<Vec<Sample>, StoreError> {
        Ok(races::read(self.readable().await?, route).await?)
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
    expired: i64,
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
        let is_excused = self.why.is_some() && self.expired == 0 && self.noise < self.excused;
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
            rule: self.why.map(|why| RuleReport { why, until, expired: self.expired != 0 }),
            first_seen: time(self.first_seen)?,
            last_seen: time(self.last_seen)?,
        })
    }
}

pub(super) fn sample(row: &AnyRow) -> Result<Sample, sqlx::Error> {
    SampleRow::from_row(row)?.sample()
}

#[derive(sqlx::FromRow)]
struct SampleRow {
    id: i64,
    at: i64,
    stratum: String,
    request: String,
    request_id: String,
    path: String,
    omitted: i64,
    control_status: i64,
    control_value: Option<String>,
    control_body: String,
    candidate_status: i64,
    candidate_value: Option<String>,
    candidate_body: String,
}

impl SampleRow {
    fn sample(self) -> Result<Sample, sqlx::Error> {
        Ok(Sample {
            id: self.id.to_string(),
            at: time(self.at)?,
            stratum: self.stratum,
            request: self.request,
            request_id: self.request_id,
            path: self.path,
            omitted: unsigned(self.omitted),
            control: Side {
                status: status(self.control_status)?,
                value: self.control_value,
                body: self.control_body,
            },
            candidate: Side {
                status: status(self.candidate_status)?,
                value: self.candidate_value,
                body: self.candidate_body,
            },
        })
    }
}

fn status(status: i64) -> Result<u16, sqlx::Error> {
    u16::try_from(status).map_err(|_| decode("a status"))
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

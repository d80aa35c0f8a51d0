//! The rows of a database, and what became of them.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Column as _, MySqlPool, Row as _, mysql::MySqlRow};

use super::{shapes, times::Window, twins::Twins};

/// All tables that have an `id`, but for Banyan's own.
#[derive(Debug, Default)]
pub(super) struct Rows(BTreeMap<String, Table>);

#[derive(Debug, Default)]
struct Table {
    checksum: Option<String>,
    columns: Vec<String>,
    rows: BTreeMap<i64, Values>,
}

/// As texts, in the order of the columns.
type Values = Vec<Option<String>>;

/// What became of one row.
#[derive(Debug)]
pub(super) struct Change {
    table: String,
    id: i64,
    kind: Kind,
    /// Of an insert all columns, of an update the changed ones.
    values: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deleted,
    Inserted,
    Updated,
}

/// Over the text protocol, so that every value comes as the server writes it.
async fn texts(database: &MySqlPool, sql: String) -> Vec<MySqlRow> {
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(database).await.unwrap()
}

pub(super) fn text(row: &MySqlRow, at: usize) -> Option<String> {
    row.try_get_unchecked(at).unwrap()
}

impl Rows {
    /// Reads what has changed since the last time, and says how.
    pub(super) async fn changes(&mut self, database: &MySqlPool) -> Vec<Change> {
        if self.0.is_empty() {
            let tables = "SELECT table_name FROM information_schema.columns \
                         WHERE table_schema = DATABASE() AND column_name = 'id' \
                         AND table_name NOT LIKE 'banyan%'";
            let names = texts(database, tables.to_owned()).await;
            self.0 = names.iter().filter_map(|it| Some((text(it, 0)?, Table::default()))).collect();
        }
        let names: Vec<_> = self.0.keys().map(String::as_str).collect();
        let checksums = texts(database, format!("CHECKSUM TABLE {}", names.join(", "))).await;
        let mut changes = Vec::new();
        for ((name, table), checksum) in self.0.iter_mut().zip(&checksums) {
            let checksum = text(checksum, 1);
            if table.checksum != checksum {
                let next = Table::read(database, name, checksum).await;
                changes.extend(next.since(table, name));
                *table = next;
            }
        }
        changes
    }
}

impl Table {
    async fn read(database: &MySqlPool, name: &str, checksum: Option<String>) -> Self {
        let found = texts(database, format!("SELECT * FROM {name}")).await;
        let columns: Vec<_> = found.first().map_or(Vec::new(), |row| {
            row.columns().iter().map(|it| it.name().to_owned()).collect()
        });
        let id = columns.iter().position(|it| it == "id").unwrap_or_default();
        let read = |row: &MySqlRow| {
            let values: Values = (0..columns.len()).map(|at| text(row, at)).collect();
            (values[id].as_deref().unwrap_or_default().parse().unwrap(), values)
        };
        let rows = found.iter().map(read).collect();
        Self { checksum, columns, rows }
    }

    fn since(&self, before: &Self, table: &str) -> Vec<Change> {
        let change = |id: i64, kind, values| Change { table: table.to_owned(), id, kind, values };
        let mut changes = Vec::new();
        for (id, row) in &self.rows {
            let named = self.columns.iter().cloned().zip(row.iter().cloned());
            match before.rows.get(id) {
                None => changes.push(change(*id, Kind::Inserted, named.collect())),
                Some(old) if old != row => {
                    let others = named.zip(old).filter(|((_, new), old)| new != *old);
                    let values = others.map(|(named, _)| named).collect();
                    changes.push(change(*id, Kind::Updated, values));
                }
                Some(_) => {}
            }
        }
        let gone = before.rows.keys().filter(|it| !self.rows.contains_key(it));
        changes.extend(gone.map(|id| change(*id, Kind::Deleted, BTreeMap::new())));
        changes
    }
}

impl Change {
    /// Whether it is of the table of events.
    pub(super) fn is_event(&self) -> bool {
        self.table == "outbox_events"
    }

    /// A line for the row, and one for each value.
    fn shown(&self) -> String {
        let sign = match self.kind {
            Kind::Deleted => '-',
            Kind::Inserted => '+',
            Kind::Updated => '~',
        };
        let mut shown = format!("{sign} {} {}\n", self.table, self.id);
        for (column, value) in self.values.iter().filter(|(it, _)| *it != "id") {
            let value = value.as_ref().map_or("NULL".to_owned(), |it| format!("{it:?}"));
            shown.extend(["    ", column, ": ", &value, "\n"]);
        }
        shown
    }
}

/// Learns which rows and which random values stand for each other.
pub(super) fn pair(left: &[Change], right: &[Change], twins: &mut Twins) {
    let key = |it: &&Change| (it.table.clone(), it.kind == Kind::Inserted);
    let mut waiting: BTreeMap<_, Vec<&Change>> = BTreeMap::new();
    for change in right.iter().rev() {
        waiting.entry(key(&change)).or_default().push(change);
    }
    for change in left {
        // Inserted rows by their order, others by what was learnt when they were inserted.
        let Some(list) = waiting.get_mut(&key(&change)) else { continue };
        let at = match change.kind {
            Kind::Inserted => list.len().checked_sub(1),
            _ => list.iter().position(|it| it.id == twins.right_id(change.id)),
        };
        let Some(twin) = at.map(|it| list.remove(it)) else { continue };
        twins.pair_ids(change.id, twin.id);
        for (column, value) in &change.values {
            let (Some(value), Some(Some(other))) = (value, twin.values.get(column)) else {
                continue;
            };
            if shapes::may_differ(&change.table, column, value, other) {
                twins.pair(value, other);
            }
        }
    }
}

/// Changes as a text.
pub(super) fn shown<'a>(changes: impl Iterator<Item = &'a Change>, window: &Window) -> String {
    window.masked(&changes.map(Change::shown).collect::<String>())
}

/// Gives each table ids of its own from now on: a number that is read as an id then is one, and one of
/// another table is not taken for it.
pub(super) async fn spread_ids(database: &MySqlPool) {
    const APART: usize = 1_000_000;
    let sql = "SELECT table_name FROM information_schema.tables \
               WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL \
               AND table_name NOT LIKE 'banyan%' ORDER BY table_name";
    for (number, table) in texts(database, sql.to_owned()).await.iter().enumerate() {
        let Some(table) = text(table, 0) else { continue };
        let first = (number + 1) * APART;
        texts(database, format!("ALTER TABLE {table} AUTO_INCREMENT = {first}")).await;
    }
}

/// Lets the next rows get the same ids on both sides, whatever was rolled back on one of them.
pub(super) async fn level_ids(databases: [&MySqlPool; 2]) {
    let next = async |database| {
        let sql = "SELECT table_name, auto_increment FROM information_schema.tables \
                   WHERE table_schema = DATABASE() AND table_name NOT LIKE 'banyan%'";
        let rows = texts(database, sql.to_owned()).await;
        let next = rows.iter().filter_map(|it| Some((text(it, 0)?, text(it, 1)?.parse().ok()?)));
        next.collect::<BTreeMap<String, u64>>()
    };
    let (left, right) = tokio::join!(next(databases[0]), next(databases[1]));
    for (table, next) in &left {
        let Some(other) = right.get(table).filter(|it| *it != next) else { continue };
        let (behind, most) = (databases[usize::from(other < next)], next.max(other));
        texts(behind, format!("ALTER TABLE {table} AUTO_INCREMENT = {most}")).await;
    }
}

//! The rows of a database, and what became of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use sqlx::{AssertSqlSafe, Column as _, MySqlPool, Row as _, mysql::MySqlRow};

use super::{shapes, times::Window, twins::Twins};

/// All tables that have an `id`, but for Banyan's own.
#[derive(Debug, Default)]
pub(super) struct Rows {
    tables: BTreeMap<String, Table>,
    /// Up to where the binary log has been read: its file and the place in it.
    read: (String, u64),
}

#[derive(Debug, Default)]
struct Table {
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
    /// Reads the tables that were written to since the last time, and says how they have changed.
    pub(super) async fn changes(&mut self, database: &MySqlPool) -> Vec<Change> {
        if self.tables.is_empty() {
            let tables = "SELECT table_name FROM information_schema.columns \
                          WHERE table_schema = DATABASE() AND column_name = 'id' \
                          AND table_name NOT LIKE 'banyan%'";
            let names = texts(database, tables.to_owned()).await;
            let empty = |it| Some((text(it, 0)?, Table::default()));
            self.tables = names.iter().filter_map(empty).collect();
        }
        let written = self.written(database).await;
        let mut changes = Vec::new();
        for (name, table) in &mut self.tables {
            if written.as_ref().is_none_or(|it| it.contains(name)) {
                let next = Table::read(database, name).await;
                changes.extend(next.since(table, name));
                *table = next;
            }
        }
        changes
    }

    /// The tables that the binary log tells of since the last time; none: any may have been.
    async fn written(&mut self, database: &MySqlPool) -> Option<BTreeSet<String>> {
        let status = texts(database, "SHOW MASTER STATUS".to_owned()).await;
        let status = status.first().expect("the shop keeps a binary log");
        let place = text(status, 1).and_then(|it| it.parse().ok()).expect("a place in it");
        let now = (text(status, 0).expect("a file"), place);
        let (file, from) = mem::replace(&mut self.read, now.clone());
        if file != now.0 {
            return None;
        }
        if from == now.1 {
            return Some(BTreeSet::new());
        }
        let events = texts(database, format!("SHOW BINLOG EVENTS IN '{file}' FROM {from}")).await;
        // `table_id: 33 (shop.products)` stands before the rows of a table.
        let named = |event: &MySqlRow| {
            // A statement's own bytes may be among them.
            let told: Option<Vec<u8>> = event.try_get_unchecked(5).unwrap();
            let told = String::from_utf8(told?).ok()?;
            let (_, name) = told.strip_prefix("table_id: ")?.split_once("(shop.")?;
            Some(name.strip_suffix(')')?.to_owned())
        };
        Some(events.iter().filter_map(named).collect())
    }
}

impl Table {
    async fn read(database: &MySqlPool, name: &str) -> Self {
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
        Self { columns, rows }
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

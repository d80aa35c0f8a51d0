//! Samples of requests that raced, as they are written and read: they are kept like those of a
//! difference, and belong to none.

use sha2::{Digest as _, Sha256};

use super::{
    Sample,
    database::{Database, Tx, rows},
    reports::sample,
    samples::{self, Samples},
};

/// Adds samples of a route's races.
pub(super) async fn write(tx: &mut Tx, route: &str, raced: &Samples) -> Result<(), sqlx::Error> {
    samples::write(tx, [(&*id(route), raced)].into_iter()).await
}

/// The samples of a route's races, the newest first.
pub(super) async fn read(database: &Database, route: &str) -> Result<Vec<Sample>, sqlx::Error> {
    let statement = "SELECT * FROM samples WHERE difference = $1 ORDER BY id DESC";
    let found = database.fetch(statement, &[(&*id(route)).into()]).await?;
    rows(&found, sample)
}

/// What stands in the place of a difference's id, and is none: those are hashes of four lines.
fn id(route: &str) -> String {
    hex::encode(&Sha256::digest(format!("{route}\nraced"))[..8])
}

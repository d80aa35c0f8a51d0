//! Pairs of shops that are equal, kept for one scenario after another.

use std::sync::Mutex;

use tests::{
    banyan::{Proxy, Setup},
    shop::Shop,
};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Scenario, rows::Rows, twins::Twins};

/// The pairs that no scenario has now. They stop when the process ends: see [`Shop`].
static IDLE: Mutex<Vec<Shops>> = Mutex::new(Vec::new());

/// How many pairs there are at most: a scenario waits for one rather than for a processor.
static PAIRS: Semaphore = Semaphore::const_new(2);

/// What both derive their keys from.
pub(super) const SECRET: &str =
    "a secret of two shops, neither of which is anybody's: 0123456789abcdef";

/// Two shops, and what is known of them.
#[derive(Debug)]
pub(super) struct Shops {
    /// Behind Banyan, and asked directly.
    pub(super) both: [Shop; 2],
    pub(super) rows: [Option<Rows>; 2],
    pub(super) twins: Twins,
    /// Since when they live.
    pub(super) since: OffsetDateTime,
}

/// A pair that one scenario has; dropped, the shops stop.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) it: Shops,
    _permit: SemaphorePermit<'static>,
}

impl Pair {
    /// One that is idle, or a fresh one.
    pub(super) async fn take() -> Self {
        let permit = PAIRS.acquire().await.unwrap();
        let idle = IDLE.lock().unwrap().pop();
        let it = match idle {
            Some(it) => it,
            None => Shops::start().await,
        };
        Self { it, _permit: permit }
    }

    /// For the next scenario.
    pub(super) fn give_back(self) {
        IDLE.lock().unwrap().push(self.it);
    }
}

impl Shops {
    async fn start() -> Self {
        let since = OffsetDateTime::now_utc();
        let start = || tokio::task::spawn_blocking(|| Shop::start_without_workers(SECRET));
        let (left, right) = tokio::join!(start(), start());
        let both = [left, right].map(|it| it.unwrap().expect("the shop must start"));
        Self { both, rows: [None, None], twins: Twins::default(), since }
    }

    /// Banyan before the first shop, set up for this scenario's extractions.
    pub(super) async fn banyan(&self, scenario: &Scenario) -> Proxy {
        let shop = &self.both[0].addresses;
        let setup = Setup {
            monolith: shop.url.clone(),
            database: Some(shop.database_url.clone()),
            routes: scenario.routes.clone(),
            flags: shop.flags(),
            ..Setup::default()
        };
        Proxy::start(setup, scenario.extractions).await.unwrap()
    }
}

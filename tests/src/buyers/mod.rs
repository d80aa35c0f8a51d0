//! Buyers: several at once, each with a session and a mind of its own, all repeatable by a seed.

mod accounts;
mod journeys;
mod money;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::browser::{Browser, Complaint};

/// How the buyers are driven.
#[derive(Debug, Clone)]
pub struct Buyers {
    /// The shop, or the proxy in front of it: `http://HOST:PORT`.
    pub base: String,
    /// How many shop at the same time.
    pub at_once: u32,
    /// The same seed makes the same buyers.
    pub seed: u64,
}

/// When the buyers stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After each buyer has made so many journeys.
    Journeys(u32),
    /// When the time is over and each buyer's current journey has ended.
    Elapsed(Duration),
}

/// What the buyers have to say.
#[derive(Debug, Default)]
pub struct Tally {
    /// Journeys that went as a buyer expects.
    pub journeys: u32,
    /// What was wrong, and in which journey.
    pub complaints: Vec<String>,
    /// How long each request took.
    pub latencies: Vec<Duration>,
}

impl Tally {
    /// The time within which this share of the requests was answered; zero without requests.
    pub fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count is a count"
        )]
        let rank = (sorted.len() as f64 * share.clamp(0.0, 1.0)) as usize;
        sorted.get(rank.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Each journey takes a user that no other takes at the same time: carts belong to users.
static NEXT_USER: AtomicU32 = AtomicU32::new(0);

/// The seeds have this many buyers, `buyer1@shop.test` and so on.
const USERS: u32 = 500;

impl Buyers {
    /// Sends the buyers in, and returns what they say when they have all come out.
    pub async fn run(&self, until: Until) -> Tally {
        let ends = match until {
            Until::Elapsed(time) => Some(Instant::now() + time),
            Until::Journeys(_) => None,
        };
        let more = |made: u32| match until {
            Until::Journeys(wanted) => made < wanted,
            Until::Elapsed(_) => ends.is_some_and(|it| Instant::now() < it),
        };
        let buyers = (0..self.at_once).map(|index| async move {
            let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(u64::from(index)));
            let mut tally = Tally::default();
            while more(tally.journeys + u32::try_from(tally.complaints.len()).unwrap_or(u32::MAX)) {
                self.one_journey(&mut random, &mut tally).await;
            }
            tally
        });
        let mut total = Tally::default();
        for tally in join_all(buyers).await {
            total.journeys += tally.journeys;
            total.complaints.extend(tally.complaints);
            total.latencies.extend(tally.latencies);
        }
        total
    }

    async fn one_journey(&self, random: &mut StdRng, tally: &mut Tally) {
        let journey = journeys::ALL[random.random_range(0..journeys::ALL.len())];
        let user = NEXT_USER.fetch_add(1, Ordering::Relaxed) % USERS + 1;
        let mut buyer = Buyer {
            browser: Browser::new(&self.base),
            email: format!("buyer{user}@shop.test"),
            random: StdRng::from_rng(random),
        };
        match (journey.go)(&mut buyer).await {
            Ok(()) => tally.journeys += 1,
            Err(Complaint(what)) => {
                tally.complaints.push(format!("{} ({}): {what}", journey.name, buyer.email));
            }
        }
        tally.latencies.extend(buyer.browser.latencies());
    }
}

/// One buyer on one journey.
#[derive(Debug)]
struct Buyer {
    browser: Browser,
    email: String,
    random: StdRng,
}

//! A shop behind two real Pumas: each is restarted in turn under load.
//!
//! Who takes a server out of routes.toml before he stops it loses nothing at all. A Puma that is just
//! stopped resets what reaches its socket in its last moments: a GET is asked of the other one, while
//! a POST may have been read, and is nobody's to repeat.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::{Client, Method, StatusCode};
use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Tally, Until},
    shop::Puma,
};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::{another_puma, eventually, metric};

/// How often each Puma is restarted.
const ROUNDS: usize = 2;

/// Something that goes on until it is told to end.
struct Load<T> {
    over: Arc<AtomicBool>,
    task: JoinHandle<T>,
}

impl<T: Send + 'static> Load<T> {
    fn start<F>(load: impl FnOnce(Arc<AtomicBool>) -> F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let over = Arc::<AtomicBool>::default();
        let task = tokio::spawn(load(Arc::clone(&over)));
        Self { over, task }
    }

    async fn end(self) -> T {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

/// A buyer after the other, each with a mind of its own.
fn shopping(base: String, number: u64) -> Load<Tally> {
    Load::start(|over| async move {
        let (mut total, mut seed) = (Tally::default(), number * 1_000);
        while !over.load(Ordering::Relaxed) {
            let buyers = Buyers { base: base.clone(), at_once: 1, seed };
            let tally = buyers.run(Until::Journeys(1)).await;
            total.journeys += tally.journeys;
            total.complaints.extend(tally.complaints);
            seed += 1;
        }
        total
    })
}

/// One client's requests, one after the other.
struct Asking {
    method: Method,
    answers: Arc<AtomicUsize>,
    load: Load<Vec<StatusCode>>,
}

impl Asking {
    /// Returns when it has had some more answers: a change that nobody was there to see proves nothing.
    async fn goes_on(&self) {
        let enough = self.answers.load(Ordering::Relaxed) + 3;
        let answers = async || (self.answers.load(Ordering::Relaxed) >= enough).then_some(());
        eventually("more answers", answers).await;
    }
}

/// `anew`: each request on a connection of its own.
fn asking(base: &str, method: Method, anew: bool) -> Asking {
    // Rails refuses a POST without a token, and that is an answer.
    let url = format!("{base}{}", if method == Method::GET { "/up" } else { "/graphql" });
    let idle = if anew { 0 } else { usize::MAX };
    let client = Client::builder().pool_max_idle_per_host(idle).build().unwrap();
    let answers = Arc::<AtomicUsize>::default();
    let (count, verb) = (Arc::clone(&answers), method.clone());
    let load = Load::start(|over| async move {
        let mut statuses = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let answer = client.request(verb.clone(), &url).send().await;
            statuses.push(answer.unwrap().status());
            count.fetch_add(1, Ordering::Relaxed);
        }
        statuses
    });
    Asking { method, answers, load }
}

fn asking_in_all_ways(base: &str) -> Vec<Asking> {
    let ways =
        [Method::GET, Method::POST].into_iter().flat_map(|it| [(it.clone(), true), (it, false)]);
    ways.map(|(method, anew)| asking(base, method, anew)).collect()
}

async fn all_go_on(asking: &[Asking]) {
    for one in asking {
        one.goes_on().await;
    }
}

/// As many requests at a time as a Puma has threads.
fn routes<'a>(pumas: impl IntoIterator<Item = &'a Puma>) -> String {
    let servers: Vec<_> = pumas.into_iter().map(|it| format!("{:?}", it.url)).collect();
    format!("[monolith]\nservers = [{}]\nconcurrency = 5\n", servers.join(", "))
}

async fn in_front_of(pumas: &[Puma]) -> Proxy {
    let setup = Setup { routes: Some(routes(pumas)), ..Setup::default() };
    Proxy::start(setup, &[]).await.unwrap()
}

/// Waiting for a Puma is no work for the threads that the buyers are on.
async fn blocking(mut puma: Puma, change: fn(&mut Puma) -> io::Result<()>) -> Puma {
    spawn_blocking(move || change(&mut puma).map(|()| puma)).await.unwrap().unwrap()
}

async fn stop(proxy: Proxy, pumas: Vec<Puma>) {
    proxy.stop().await;
    spawn_blocking(move || drop(pumas)).await.unwrap();
}

/// Replaces the route file, and returns when it is in force.
async fn reload(proxy: &Proxy, routes: &str) {
    let generation = async || metric(proxy, "banyan_route_table_generation").await;
    let before = generation().await;
    fs::write(proxy.route_file(), routes).unwrap();
    eventually("the new table", || async { (generation().await > before).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_puma_that_is_taken_out_before_it_is_stopped_costs_nobody_anything() {
    let mut pumas = vec![another_puma().await, another_puma().await];
    let proxy = in_front_of(&pumas).await;
    let buyers: Vec<_> = (0..3).map(|number| shopping(proxy.url(), number)).collect();
    let asking = asking_in_all_ways(&proxy.url());
    for _ in 0..2 * ROUNDS {
        let puma = pumas.remove(0);
        reload(&proxy, &routes(&pumas)).await;
        all_go_on(&asking).await;
        pumas.push(blocking(puma, Puma::restart).await);
        reload(&proxy, &routes(&pumas)).await;
        all_go_on(&asking).await;
    }
    for buyer in buyers {
        let tally = buyer.end().await;
        assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
        assert!(tally.journeys > 0, "there was hardly any load");
    }
    for Asking { method, load, .. } in asking {
        let statuses = load.end().await;
        assert!(statuses.iter().all(|it| !it.is_server_error()), "{method}: {statuses:?}");
    }
    stop(proxy, pumas).await;
}

/// Every GET has its answer; of the POSTs those that a Puma reset are errors, and only those.
async fn no_get_is_lost(change: fn(&mut Puma) -> io::Result<()>) {
    let mut pumas = vec![another_puma().await, another_puma().await];
    let proxy = in_front_of(&pumas).await;
    let asking = asking_in_all_ways(&proxy.url());
    for _ in 0..2 * ROUNDS {
        let puma = pumas.remove(0);
        all_go_on(&asking).await;
        pumas.push(blocking(puma, change).await);
    }
    all_go_on(&asking).await;
    for Asking { method, load, .. } in asking {
        let statuses = load.end().await;
        let lost = statuses.iter().filter(|it| it.is_server_error());
        let lost: Vec<_> = lost.map(StatusCode::as_u16).collect();
        // Two clients send POSTs, one at a time: a Puma that ends can meet one of each.
        let most = if method == Method::POST { 2 * ROUNDS } else { 0 };
        assert!(lost.len() <= most && lost.iter().all(|it| *it == 502), "{method}: {lost:?}");
    }
    stop(proxy, pumas).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pumas_that_are_stopped_and_started_in_turn_lose_no_get() {
    no_get_is_lost(Puma::restart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pumas_that_replace_themselves_in_turn_lose_no_get() {
    no_get_is_lost(Puma::replace).await;
}

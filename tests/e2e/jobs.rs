//! A job pushed from Rust is run by the shop's own Sidekiq: plain, Active Job and
//! mail, at once and later.

use std::fs;

use extracted::{
    Effects, Extraction, Reply,
    rails::{
        database,
        job::{ActiveJob, Argument, Job, Mailer, Namespace, Sidekiq, Stamp, Worker},
    },
};
use http::{HeaderMap, StatusCode};
use proxy::extraction::RedisQueue;
use rand::{SeedableRng as _, rngs::StdRng};
use redis::aio::MultiplexedConnection;
use sqlx::MySqlPool;
use tests::{
    banyan::{Proxy, Setup},
    shop::Addresses,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::{eventually, forever, mails, shop};

const CONFIRMATION: Worker = Worker::new("OrderConfirmationWorker");
const NOTIFICATION: ActiveJob = ActiveJob::new("ReturnNotificationJob");

struct Workers {
    queue: RedisQueue,
    redis: MultiplexedConnection,
    database: MySqlPool,
}

impl Workers {
    async fn of(shop: Addresses) -> Self {
        let client = redis::Client::open(shop.redis_url.as_str()).unwrap();
        Self {
            queue: RedisQueue::new(&shop.redis_url, Namespace::default()).unwrap(),
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            database: database::pool(&shop.database_url, 2).unwrap(),
        }
    }

    async fn push(&self, job: &Job) {
        self.queue.push(Uuid::new_v4(), std::slice::from_ref(job)).await.unwrap();
    }

    /// The score in the schedule, where the job is there.
    async fn score(&mut self, job: &Job) -> Option<f64> {
        let mut command = redis::cmd("ZSCORE");
        command.arg("schedule").arg(&job.payload).query_async(&mut self.redis).await.unwrap()
    }

    /// Makes an order of the seeds wait for its confirmation again.
    async fn reopen(&self, order: u64) {
        let reopen = sqlx::query("UPDATE orders SET status = 0 WHERE id = ?").bind(order);
        assert_eq!(reopen.execute(&self.database).await.unwrap().rows_affected(), 1);
    }

    async fn notifications(&self, path: &str) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM notifications WHERE path = ?");
        count.bind(path).fetch_one(&self.database).await.unwrap()
    }

    /// Waits for one notification more than `before`, and looks whether there are not two.
    async fn notified(&self, path: &str, before: i64) {
        eventually(&format!("a notification of {path}"), || async {
            (self.notifications(path).await > before).then_some(())
        })
        .await;
        assert_eq!(self.notifications(path).await, before + 1);
    }

    async fn confirmed(&self, order: u64, before: i64) {
        self.notified(&format!("/orders/{order}"), before).await;
        let status = sqlx::query_scalar("SELECT status FROM orders WHERE id = ?").bind(order);
        let status: i32 = status.fetch_one(&self.database).await.unwrap();
        assert_eq!(status, 1);
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// As a handler would make it.
fn made<T>(make: impl FnOnce(&mut Stamp<'_, StdRng>) -> T) -> T {
    let mut random = StdRng::from_rng(&mut rand::rng());
    make(&mut Stamp { sidekiq: Sidekiq::UpTo7, now: now(), random: &mut random })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workers_job_is_run_at_once() {
    let workers = Workers::of(shop().await).await;
    workers.reopen(11).await;
    let before = workers.notifications("/orders/11").await;
    workers.push(&made(|it| CONFIRMATION.perform_async(&[11.into()], it)).unwrap()).await;
    workers.confirmed(11, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workers_job_is_run_when_it_is_due() {
    let mut workers = Workers::of(shop().await).await;
    workers.reopen(12).await;
    let before = workers.notifications("/orders/12").await;
    let due = now() + Duration::seconds(2);
    let job = made(|it| CONFIRMATION.perform_at(due, &[12.into()], it)).unwrap();
    workers.push(&job).await;
    assert!(workers.score(&job).await.is_some());
    workers.confirmed(12, before).await;
    assert!(now() >= due);
    assert_eq!(workers.score(&job).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_job_is_run_with_its_record() {
    let workers = Workers::of(shop().await).await;
    let before = workers.notifications("/returns/2").await;
    let returned = [Argument::record("shop", "Return", 2)];
    workers.push(&made(|it| NOTIFICATION.perform_later(&returned, it)).unwrap()).await;
    workers.notified("/returns/2", before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_job_is_run_when_it_is_due() {
    let mut workers = Workers::of(shop().await).await;
    let before = workers.notifications("/returns/4").await;
    let due = now() + Duration::seconds(2);
    let returned = [Argument::record("shop", "Return", 4)];
    let job = made(|it| NOTIFICATION.perform_at(due, &returned, it)).unwrap();
    workers.push(&job).await;
    assert!(workers.score(&job).await.is_some());
    workers.notified("/returns/4", before).await;
    assert!(now() >= due);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_push_of_a_commit_does_nothing() {
    let mut workers = Workers::of(shop().await).await;
    let (id, due) = (Uuid::new_v4(), now() + Duration::HOUR);
    let jobs: Vec<_> = (0..3)
        .map(|it| made(|to| CONFIRMATION.perform_at(due, &[it.into()], to)).unwrap())
        .collect();
    for pushed in [&jobs[..2], &jobs[..]] {
        workers.queue.push(id, pushed).await.unwrap();
        let scores = [
            workers.score(&jobs[0]).await.is_some(),
            workers.score(&jobs[1]).await.is_some(),
            workers.score(&jobs[2]).await.is_some(),
        ];
        assert_eq!(scores, [true, true, false]);
    }
}

/// Leaves a job.
const LEAVES: Extraction = Extraction {
    id: "jobs.leave",
    replaces: "JobsController#leave",
    effects: Effects::RowsAndJobs,
    run: |ctx, _| {
        Box::pin(async {
            let job = CONFIRMATION.perform_async(&[13.into()], &mut ctx.stamp())?;
            ctx.jobs.push(job);
            Ok(Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: "rust".into() })
        })
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_namespace_wait_under_its_keys() {
    let shop = shop().await;
    let flags = [shop.flags(), vec!["--redis-namespace".to_owned(), "elsewhere".to_owned()]];
    let setup = Setup {
        flags: flags.concat(),
        monolith: shop.url.clone(),
        database: Some(shop.database_url.clone()),
        routes: Some(
            "[[route]]\nid = \"jobs.leave\"\nmatch = { path = \"/\" }\nstage = \"extracted\"\n"
                .to_owned(),
        ),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, forever(vec![LEAVES])).await.unwrap();
    let answer = reqwest::Client::new().post(proxy.url()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "rust");
    let mut workers = Workers::of(shop).await;
    let jobs: Vec<String> = eventually("the job", || {
        let mut redis = workers.redis.clone();
        async move {
            let mut all = redis::cmd("LRANGE");
            let all = all.arg("elsewhere:queue:default").arg(0).arg(-1);
            let jobs: Vec<String> = all.query_async(&mut redis).await.unwrap();
            (!jobs.is_empty()).then_some(jobs)
        }
    })
    .await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let mut members = redis::cmd("SMEMBERS");
    let queues: Vec<String> =
        members.arg("elsewhere:queues").query_async(&mut workers.redis).await.unwrap();
    assert_eq!(queues, ["default"]);
    let mut keys = redis::cmd("KEYS");
    let marks: Vec<String> =
        keys.arg("elsewhere:banyan:pushed:*").query_async(&mut workers.redis).await.unwrap();
    assert_eq!(marks.len(), 1, "{marks:?}");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent() {
    let workers = Workers::of(shop().await).await;
    let email = "SELECT email FROM users WHERE id = 21";
    let email: String = sqlx::query_scalar(email).fetch_one(&workers.database).await.unwrap();
    let file = mails().await.join(&email);
    assert!(!file.exists(), "somebody else writes to {email}");
    let mail = Mailer::new("WelcomeMailer").mail("welcome", [Argument::record("shop", "User", 21)]);
    workers.push(&made(|it| mail.deliver_later(it)).unwrap()).await;
    let mail = eventually("the mail", || async {
        fs::read_to_string(&file).ok().filter(|it| it.contains("you may sign in as"))
    })
    .await;
    assert!(mail.contains(&format!("\nTo: {email}\r\n")), "{mail}");
    assert_eq!(mail.matches("Message-ID: ").count(), 1, "{mail}");
}

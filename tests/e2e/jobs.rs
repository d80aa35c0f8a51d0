//! A job pushed from Rust is run by the shop's own Sidekiq: plain, Active Job and
//! mail, at once and later.

use std::fs;

use extracted::rails::{
    database,
    job::{ActiveJob, Argument, Job, Mailer, Namespace, Sidekiq, Stamp, Worker, enqueue},
};
use rand::{SeedableRng as _, rngs::StdRng};
use redis::aio::MultiplexedConnection;
use sqlx::MySqlPool;
use tests::shop::Addresses;
use time::{Duration, OffsetDateTime};

use crate::support::{eventually, mails, shop};

const CONFIRMATION: Worker = Worker::new("OrderConfirmationWorker");
const NOTIFICATION: ActiveJob = ActiveJob::new("ReturnNotificationJob");

struct Workers {
    redis: MultiplexedConnection,
    database: MySqlPool,
}

impl Workers {
    async fn of(shop: Addresses) -> Self {
        let client = redis::Client::open(shop.redis_url).unwrap();
        Self {
            redis: client.get_multiplexed_async_connection().await.unwrap(),
            database: database::pool(&shop.database_url, 2).unwrap(),
        }
    }

    async fn push(&mut self, job: &Job) {
        enqueue(&mut self.redis, &Namespace::default(), job).await.unwrap();
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
    let mut workers = Workers::of(shop().await).await;
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
    let mut workers = Workers::of(shop().await).await;
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
async fn a_mail_is_sent() {
    let mut workers = Workers::of(shop().await).await;
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

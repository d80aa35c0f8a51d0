//! Handlers that break the contract: nothing of what they did stays, and the monolith answers.

use std::time::Duration;

use extracted::{Ctx, Effects, Extraction, HandlerFuture, Job, Reply, Request};
use http::{HeaderMap, StatusCode};
use reqwest::Client;
use sqlx::Executor as _;
use tests::{
    banyan::{Proxy, Setup},
    shop::Addresses,
};

use super::monolith::Monolith;
use crate::support::{forever, metric, quiet_shop};

const fn misbehaving(
    id: &'static str,
    run: for<'a> fn(&'a mut Ctx, &'a Request) -> HandlerFuture<'a>,
) -> Extraction {
    Extraction { id, replaces: "MisbehavingController", effects: Effects::Rows, run }
}

fn created() -> Reply {
    let (status, body) = (StatusCode::CREATED, "rust".into());
    Reply { status, headers: HeaderMap::new(), body }
}

/// As after a deadlock: the server has rolled back, and the handler goes on.
const GOES_ON: Extraction = misbehaving("misbehaving.goes_on", |ctx, _| {
    Box::pin(async {
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('before')").await?;
        ctx.tx.execute("ROLLBACK").await?;
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('after')").await?;
        Ok(created())
    })
});

/// As a migration would: the server commits by itself, which can be seen but not undone.
const ENDS: Extraction = misbehaving("misbehaving.ends", |ctx, _| {
    Box::pin(async {
        ctx.tx.execute("CREATE TABLE IF NOT EXISTS misbehaving_ends (id INT)").await?;
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('ended')").await?;
        Ok(created())
    })
});

const LEAVES_JOBS: Extraction = misbehaving("misbehaving.leaves_jobs", |ctx, _| {
    Box::pin(async {
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('job')").await?;
        let (queue, payload) = ("misbehaving".to_owned(), "{}".to_owned());
        ctx.jobs.push(Job { queue, at: None, payload });
        Ok(created())
    })
});

const PANICS: Extraction = misbehaving("misbehaving.panics", |ctx, _| {
    Box::pin(async {
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('panic')").await?;
        panic!("a mistake")
    })
});

/// It is given up long before it returns, and cannot be aborted meanwhile.
const BLOCKS: Extraction = misbehaving("misbehaving.blocks", |ctx, _| {
    Box::pin(async {
        ctx.tx.execute("INSERT INTO misbehaving VALUES ('block')").await?;
        std::thread::sleep(Duration::from_secs(2));
        Ok(created())
    })
});

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_leaves_against_the_contract_is_rolled_back() {
    let Addresses { database_url, .. } = quiet_shop().await;
    let pool = extracted::rails::database::pool(&database_url, 4).unwrap();
    pool.execute("CREATE TABLE misbehaving (what VARCHAR(20)) ENGINE = InnoDB").await.unwrap();
    let monolith = Monolith::answering(|body| async { body }).await;
    let all = [GOES_ON, ENDS, LEAVES_JOBS, PANICS, BLOCKS];
    let routes = all.map(|it| {
        let id = it.id;
        let timeout = if id == BLOCKS.id { "1s" } else { "20s" };
        format!(
            "[[route]]\nid = \"{id}\"\nmatch = {{ path = \"/{id}\" }}\nstage = \"extracted\"\n\
             timeout = \"{timeout}\"\n"
        )
    });
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(database_url),
        routes: Some(routes.concat().replace("/misbehaving.", "/")),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, forever(all.to_vec())).await.unwrap();
    for (extraction, reason) in all.iter().zip(["error", "error", "error", "panic", "deadline"]) {
        let id = extraction.id;
        let path = id.trim_start_matches("misbehaving.");
        // More often than once, since what is wrong with a connection may show at its next use.
        for _ in 0..3 {
            let url = format!("{}/{path}", proxy.url());
            let answer = Client::new().post(url).body("monolith").send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), "monolith", "{id}");
        }
        let series = format!("banyan_fallbacks_total{{reason=\"{reason}\",route=\"{id}\"}}");
        assert_eq!(metric(&proxy, &series).await.to_string(), "3", "{id}");
    }
    // It waits for every transaction that has touched the table.
    pool.execute("ALTER TABLE misbehaving COMMENT 'over'").await.unwrap();
    proxy.stop().await;
    let left: Vec<String> =
        sqlx::query_scalar("SELECT what FROM misbehaving").fetch_all(&pool).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

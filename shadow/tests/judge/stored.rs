//! What is in the store: after a restart, beside a lock, and never what it must not hold.

use std::{
    collections::BTreeMap,
    fs,
    future::pending,
    path::{Path, PathBuf},
    sync::Arc,
};

use http::HeaderValue;
use shadow::{Experiment, Leg, Reports, Settings, Store, StoreError, Subject, Unknown};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::sync::oneshot;

use super::bench::*;

const NOT_FLUSHED: &str = "banyan_store_flushes_total{result=\"failed\"}";
const WAITING: &str = "banyan_store_pending_rows";

#[tokio::test]
async fn what_is_noise_is_known_after_a_restart() {
    let body = |it: u32| format!("{{\"views\":{it}}}");
    let mut bench = Bench::new(Settings::default()).await;
    for it in 0..3 {
        let again = Some(json(body(it + 1)));
        let experiment = experiment(json(body(it)), json(body(it + 2)));
        bench.judge.offer(Experiment { again, ..experiment });
    }
    bench.until_stored(3).await;
    for process in 0..2 {
        bench.offer(json(body(7)), json(body(8)));
        bench.offer(json(body(7)), json("{\"views\":\"8\"}"));
        bench.drain().await;
        let report = bench.report().await;
        let expected = (4 + process, 1 + process);
        assert_eq!((report.noise, report.mismatched), expected, "process {process}");
        bench = bench.reopened().await;
    }
}

/// Nothing would tell any more that the extraction differs too often.
#[tokio::test]
async fn what_was_learnt_of_noise_excuses_nothing_once_a_route_has_none() {
    let body = |it: u32| json(format!("{{\"views\":{it}}}"));
    let bench = Bench::new(Settings::default()).await;
    for it in 0..3 {
        let again = Some(body(it + 1));
        bench.judge.offer(Experiment { again, ..experiment(body(it), body(it + 2)) });
    }
    bench.until_stored(3).await;
    let mut without = experiment(body(7), body(8));
    let mut subject = Subject::clone(&without.subject);
    subject.noise = false;
    without.subject = Arc::new(subject);
    bench.judge.offer(without);
    bench.drain().await;
    let report = bench.report().await;
    assert_eq!((report.noise, report.mismatched), (3, 1));
}

#[tokio::test]
async fn counts_and_the_hashes_of_values_survive_a_restart() {
    let body = |price| json(format!("{{\"price\":{price}}}"));
    let bench = Bench::new(Settings::default()).await;
    bench.offer(body(4711), body(4712));
    bench.drain().await;
    let before = bench.differences().await;

    let bench = bench.reopened().await;
    bench.offer(body(4711), body(4713));
    bench.drain().await;
    assert_eq!(counts(&bench.report().await), (0, 0, 2));
    let after = bench.differences().await;
    assert_eq!((after.len(), after[0].requests), (1, 2));
    assert_eq!((&after[0].id, after[0].first_seen), (&before[0].id, before[0].first_seen));

    let samples = bench.store.reports().samples(ROUTE, &after[0].id).await.unwrap();
    let [new, old] = &samples[..] else { panic!("{samples:?}") };
    assert!(old.control.value.as_deref().unwrap().starts_with("‹number of 1–8 #"), "{old:?}");
    assert_eq!(new.control, old.control);
    assert_ne!(new.candidate.value, old.candidate.value);
}

#[tokio::test]
async fn a_judge_that_is_dropped_at_its_work_leaves_a_store_that_opens() {
    let bench = Bench::new(Settings { concurrency: 2, ..Settings::default() }).await;
    bench.offer(json("1"), json("2"));
    let (hold, gone) = oneshot::channel::<()>();
    let hanging = Leg::Ask(Box::pin(async move {
        let _hold = hold;
        pending().await
    }));
    bench.offer(json("1"), hanging);
    bench.until_stored(1).await;
    for _ in 0..200 {
        bench.offer(json("1"), json("2"));
    }
    let bench = bench.reopened().await;
    assert!(soon(gone).await.is_err(), "what was asked is given up");
    bench.offer(json("1"), json("1"));
    bench.drain().await;
    let report = bench.report().await;
    assert!(report.mismatched >= 1, "what was written stays: {report:?}");
    assert_eq!(report.matched, 1);
}

#[tokio::test]
async fn a_locked_store_loses_nothing() {
    let bench = Bench::new(Settings::default()).await;
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    bench.until_stored(1).await;

    let mut other = SqliteConnection::connect(&url(bench.directory.path())).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    bench.judge.discard(&subject(), Unknown::Declined);
    bench.until("a flush has failed", |it| it.series(NOT_FLUSHED) > 0).await;
    assert_eq!(bench.report().await.compared(), 1, "readers are not locked out");
    // One more where the first of the two was on its way before the other came.
    bench.until("the rows wait again", |it| [5, 6].contains(&it.series(WAITING))).await;
    // What comes while the others wait is added to them.
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    other.execute("ROLLBACK").await.unwrap();

    bench.until_stored(3).await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (0, 0, 3));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Declined, 1)]));
    let differences = bench.differences().await;
    assert_eq!((differences.len(), differences[0].requests), (1, 3));
    let samples = bench.store.reports().samples(ROUTE, &differences[0].id).await.unwrap();
    assert_eq!(samples.len(), 3);
    assert_eq!(bench.series(WAITING), 0);
}

#[tokio::test]
async fn a_difference_keeps_its_first_samples_and_its_newest_and_at_most_ten() {
    let mut bench = Bench::new(Settings::default()).await;
    for round in 1..=4 {
        for _ in 0..8 {
            let mut experiment = experiment(json("{\"a\":1}"), json("{\"a\":2}"));
            experiment.request.id = format!("round {round}");
            bench.judge.offer(experiment);
        }
        bench.drain().await;
        bench = bench.reopened().await;
    }
    let differences = bench.differences().await;
    assert_eq!((differences.len(), differences[0].requests), (1, 32));
    let samples = bench.store.reports().samples(ROUTE, &differences[0].id).await.unwrap();
    let ids: Vec<_> = samples.iter().map(|it| &*it.request_id).collect();
    assert_eq!(ids, [["round 4"; 5], ["round 1"; 5]].concat());
}

#[tokio::test]
async fn values_that_are_not_revealed_are_nowhere_in_the_files() {
    const CANARY: &str = "kNaRi-7c41e";
    const REVEALED: &str = "sHoWn-93d0b";
    let bench = Bench::new(Settings::default()).await;
    let answer = |value: &str, revealed: &str| {
        let mut it = observation(format!(
            "{{\"v\":\"{value}\",\"revealed\":\"{revealed}\",\"n\":{{\"l\":[\"{value}\"],\"{value}@b.test\":1}}}}"
        ));
        let cookie = format!("session={value}; path=/; domain={value}.test");
        for (name, value) in [("location", value), ("x-token", value), ("set-cookie", &cookie)] {
            it.headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        it
    };
    let offer = |control, candidate| {
        let mut it = experiment(Leg::Answered(control), Leg::Answered(candidate));
        it.request.target = format!("/search/{CANARY}%20/7?q={CANARY}&{CANARY}%5B=1");
        bench.judge.offer(it);
    };
    let (one, other) = (format!("1{CANARY}1"), format!("2{CANARY}2"));
    offer(answer(&one, REVEALED), answer(&other, "other"));
    let opaque = |value: &str| {
        let mut it = answer(value, "");
        it.headers.insert("content-type", HeaderValue::from_static("text/html"));
        it
    };
    offer(opaque(&one), opaque(&other));
    bench.drain().await;
    assert_eq!(counts(&bench.report().await), (0, 0, 2));
    assert!(bench.differences().await.len() >= 8);

    // Open still, so what was written is in the write-ahead log.
    let holding = |text| holding(bench.directory.path(), text);
    assert!(!holding(REVEALED).is_empty(), "a text in the store is found in its files");
    for canary in [CANARY, &CANARY.to_lowercase()] {
        let path = holding(canary);
        assert!(path.is_empty(), "{canary} is in {path:?}: {:#?}", bench.differences().await);
    }
}

#[tokio::test]
async fn how_far_apart_numbers_are_tells_nobody_in_the_files_what_they_are() {
    const TELEPHONE: &str = "491701234567";
    let answer = |name: &str, value: &str, is_page: bool| {
        let mut it = observation(format!("{{\"{name}\":{value}}}"));
        if is_page {
            it.headers.insert("content-type", HeaderValue::from_static("text/html"));
            it.body = format!("<table><tr><td>{value}</table>").into();
        }
        let cookie = format!("{name}={value}; path=/");
        it.headers.insert("set-cookie", HeaderValue::from_str(&cookie).unwrap());
        Leg::Answered(it)
    };
    let bench = Bench::new(Settings::default()).await;
    let places = [("phone", false), ("total", false), ("total", true)];
    for (name, is_page) in places {
        let [control, again, candidate] = [TELEPHONE, "1", "0"].map(|it| answer(name, it, is_page));
        let experiment = experiment(control, candidate);
        bench.judge.offer(Experiment { again: Some(again), ..experiment });
    }
    bench.drain().await;
    assert_eq!(bench.report().await.compared(), places.len() as u64);
    let bench = bench.reopened().await;
    let differences = bench.differences().await;
    assert!(differences.len() >= 5, "{differences:#?}");
    // Also as a distance from 0 and from 1.
    let files = holding(bench.directory.path(), &TELEPHONE[..8]);
    assert!(files.is_empty(), "{files:?}");
}

/// The files in a directory that have a text in them.
fn holding(directory: &Path, text: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    let holds = |it: &PathBuf| {
        let bytes = fs::read(it).unwrap();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    };
    files.filter(holds).collect()
}

#[tokio::test]
async fn a_store_of_another_kind_is_refused_and_its_error_says_how_one_is_named() {
    for url in ["redis://localhost/1", "oracle:reports", "banyan.db", "sqlite::memory:", ""] {
        let error = Store::open(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
        assert!(error.to_string().starts_with("a store is named sqlite://PATH, mysql://"));
        let error = Reports::open_read_only(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_store_in_a_directory_that_is_not_there_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(&url(&directory.path().join("absent"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Open(_)), "{error:?}");
    assert!(error.to_string().contains("is the directory there"), "{error}");
}

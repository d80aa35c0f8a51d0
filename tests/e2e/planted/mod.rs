//! Extractions with known mistakes: each must be found under its path, kind and class, and nothing
//! else, with the shop's noise on. And the correct ones must show nothing.

mod bodies;
mod correct;
mod fields;
mod json;
mod pages;
mod plant;
mod recorded;
mod shadowing;
mod specimen;

use std::fmt::Write as _;

use extracted::{Extraction, Request, catalog};
use futures_util::{StreamExt as _, stream};
use reqwest::{Client, redirect::Policy};
use shadow::{Class, DifferenceKind};
use tests::banyan::Proxy;

use self::{
    plant::{Plant, all},
    shadowing::{shadowed, shadowed_like, table},
    specimen::specimen,
};
use crate::support::{differences, forever, judged, proxy, quiet_shop};

/// Of each mistake. More than three, which teach the judge what is noise where it is not asked for.
const REQUESTS: u64 = 5;

/// Requests at the same time: each counts a view of the specimen.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_mistake_is_found_in_its_place_as_what_it_is_and_nothing_else() {
    let specimen = specimen().await;
    let (mut build, mut routes, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for plant in all() {
        let (like, place) = plant.asked.place(specimen);
        let target = format!("{place}-{}", plant.name);
        routes.push(shadowed_like(like.id, route(plant), &target));
        build.push(plant.asked.planted(route(plant)));
        targets.extend((0..REQUESTS).map(|_| target.clone()));
    }
    assert!(build.len() >= 80, "{} mistakes are planted", build.len());
    let proxy = proxy(quiet_shop().await, table(routes), forever(build)).await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    stream::iter(targets)
        .for_each_concurrent(AT_ONCE, |target| {
            let request = client.get(format!("{}{target}", proxy.url()));
            async move {
                request.send().await.unwrap().bytes().await.unwrap();
            }
        })
        .await;
    let mut wrong = String::new();
    for plant in all() {
        let found = found(&proxy, route(plant)).await;
        let expected: Vec<_> = plant.found.iter().map(|it| (it.0.to_owned(), it.1, it.2)).collect();
        if found != Ok(expected) {
            writeln!(wrong, "{}: {:?} is expected, and not {found:?}", plant.name, plant.found)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    proxy.stop().await;
}

fn route(plant: &Plant) -> &'static str {
    Box::leak(format!("planted.{}", plant.name).into_boxed_str())
}

/// What counts of a route, in order; or why it could not be compared.
async fn found(
    proxy: &Proxy,
    route: &'static str,
) -> Result<Vec<(String, DifferenceKind, Class)>, String> {
    let report = judged(proxy, route, REQUESTS).await;
    if !report.unknowns.is_empty() {
        return Err(format!("{:?}", report.unknowns));
    }
    let found = differences(proxy, route).await;
    let partly = found.iter().find(|it| it.requests - it.excused < REQUESTS);
    if let Some(it) = partly {
        return Err(format!("{} counts in {} requests", it.path, it.requests - it.excused));
    }
    let mut found: Vec<_> = found.into_iter().map(|it| (it.path, it.kind, it.class)).collect();
    found.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_off_by_one_is_other_products() {
    const WRONG: Extraction = Extraction {
        run: |ctx, request| {
            Box::pin(async {
                let query = request.query.replace("page=2", "page=3");
                (catalog::list::LIST.run)(ctx, &Request { query, ..request.clone() }).await
            })
        },
        ..catalog::list::LIST
    };
    specimen().await;
    let routes = table(vec![shadowed(WRONG.id)]);
    let proxy = proxy(quiet_shop().await, routes, forever(vec![WRONG])).await;
    for _ in 0..REQUESTS {
        let url = format!("{}/api/products?page=2", proxy.url());
        reqwest::get(url).await.unwrap().bytes().await.unwrap();
    }
    let found = found(&proxy, WRONG.id).await.unwrap();
    let expected = ("$.products[*].id".to_owned(), DifferenceKind::Changed, Class::Critical);
    assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
    proxy.stop().await;
}

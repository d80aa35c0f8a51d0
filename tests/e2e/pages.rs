//! The pages in a real browser: a migration lead finds a route, its differences, and both sides.

use std::time::Duration;

use extracted::{Extraction, catalog};
use fantoccini::{Client, Locator};

use crate::{
    chromium::Driver,
    support::{forever, judged, proxy, routes, shop},
};

const WRONG: Extraction = Extraction {
    run: |ctx, request| {
        Box::pin(async {
            let mut reply = (catalog::show::SHOW.run)(ctx, request).await?;
            let text = String::from_utf8_lossy(&reply.body).replacen("\"brand\":", "\"maker\":", 1);
            reply.body = text.into_bytes().into();
            Ok(reply)
        })
    },
    ..catalog::show::SHOW
};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_goes_from_the_overview_to_a_difference_and_sees_both_sides() {
    let proxy = proxy(shop().await, routes(), forever(vec![catalog::list::LIST, WRONG])).await;
    for id in 1..=3 {
        reqwest::get(format!("{}/api/products/{id}", proxy.url()))
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    judged(&proxy, "catalog.show", 3).await;
    // Not on another thread: the driver dies with the thread that started it.
    let driver = Driver::start();
    let browser = driver.browser(&[]).await;

    browser.goto(&proxy.admin()).await.unwrap();
    let overview = text(&browser, "body").await;
    for expected in ["catalog.show", "catalog.list", "shadow", "extracted"] {
        assert!(overview.contains(expected), "{expected} is not on the overview:\n{overview}");
    }
    let link = browser
        .wait()
        .at_most(Duration::from_secs(10))
        .for_element(Locator::LinkText("catalog.show"));
    link.await.unwrap().click().await.unwrap();
    browser
        .wait()
        .for_url(&format!("{}/routes/catalog.show", proxy.admin()).parse().unwrap())
        .await
        .unwrap();
    let route = text(&browser, "main").await;
    for expected in ["$.brand", "missing", "$.maker", "extra"] {
        assert!(route.contains(expected), "{expected} is not on the route's page:\n{route}");
    }
    for difference in browser.find_all(Locator::Css("summary")).await.unwrap() {
        difference.click().await.unwrap();
    }
    let opened = text(&browser, "main").await;
    assert!(opened.matches("GET /api/products/").count() > 0, "no sample is shown:\n{opened}");

    browser.close().await.unwrap();
    drop(driver);
    proxy.stop().await;
}

async fn text(browser: &Client, selector: &str) -> String {
    browser.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
}

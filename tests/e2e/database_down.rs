//! The handlers' database goes away in the middle of a run: the monolith answers, and no buyer sees
//! an error.

use std::{net::SocketAddr, sync::Arc};

use tests::{
    banyan::{Proxy, Setup},
    buyers::{Buyers, Until},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::{metric, routes, shop};

/// Stands between the handlers and MariaDB, and can be cut. The real server cannot be killed for
/// the handlers alone: the shop needs it too.
struct Cable {
    address: SocketAddr,
    cut: CancellationToken,
}

impl Cable {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap(), CancellationToken::new());
        let server = Arc::new(server);
        tokio::spawn(cut.clone().run_until_cancelled_owned(Self::relay(
            listener,
            server,
            cut.clone(),
        )));
        Self { address, cut }
    }

    /// When the relay's future is dropped the listener closes, so new connections are refused.
    async fn relay(listener: TcpListener, server: Arc<String>, cut: CancellationToken) {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = Arc::clone(&server);
            tokio::spawn(cut.clone().run_until_cancelled_owned(async move {
                if let Ok(mut server) = TcpStream::connect(server.as_str()).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            }));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monolith_answers_when_the_handlers_database_is_gone() {
    let shop = shop().await;
    let (credentials, rest) = shop.database_url.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(server.to_owned()).await;
    let setup = Setup {
        monolith: shop.url,
        database: Some(format!("{credentials}@{}/{name}", cable.address)),
        routes: Some(routes()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, extracted::all()).await.unwrap();
    let buyers = Buyers { base: proxy.url(), at_once: 3, seed: 5 };

    let before = buyers.run(Until::Journeys(4)).await;
    let by_extraction =
        "banyan_requests_total{route=\"catalog.list\",side=\"extraction\",status=\"2xx\"}";
    let answered = metric(&proxy, by_extraction).await;
    assert!(answered > 0.0, "the handler answered nothing before the cut");

    let shopping = tokio::spawn(async move { buyers.run(Until::Journeys(8)).await });
    crate::support::eventually("more answers of the handler", || async {
        (metric(&proxy, by_extraction).await > answered).then_some(())
    })
    .await;
    cable.cut.cancel();
    let during = shopping.await.unwrap();

    assert!(before.complaints.is_empty(), "{:#?}", before.complaints);
    assert!(during.complaints.is_empty(), "{:#?}", during.complaints);
    // And a request of which nothing can be in flight any more:
    let list = reqwest::get(format!("{}/api/products", proxy.url())).await.unwrap();
    assert_eq!(list.status(), 200);
    let fallbacks =
        metric(&proxy, "banyan_fallbacks_total{reason=\"error\",route=\"catalog.list\"}").await;
    assert!(fallbacks > 0.0, "nothing fell back");
    proxy.stop().await;
}

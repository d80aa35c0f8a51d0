//! The handlers' database goes away in the middle of a run: the monolith answers, and no buyer sees
//! an error.

use std::{
    mem,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

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
    /// No connection any more, and no new one either.
    cut: CancellationToken,
    /// Of the connections that there are.
    torn: Arc<Mutex<CancellationToken>>,
}

impl Cable {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap(), CancellationToken::new());
        let torn = Arc::new(Mutex::new(cut.child_token()));
        let relay = Self::relay(listener, Arc::new(server), Arc::clone(&torn));
        tokio::spawn(cut.clone().run_until_cancelled_owned(relay));
        Self { address, cut, torn }
    }

    /// Tears the connections that there are, as a server does that is restarted.
    fn tear(&self) {
        let next = self.cut.child_token();
        mem::replace(&mut *self.torn.lock().unwrap(), next).cancel();
    }

    /// The URL of this database through the cable.
    fn through(&self, credentials: &str, name: &str) -> String {
        format!("{credentials}@{}/{name}", self.address)
    }

    /// When the relay's future is dropped the listener closes, so new connections are refused.
    async fn relay(
        listener: TcpListener,
        server: Arc<String>,
        torn: Arc<Mutex<CancellationToken>>,
    ) {
        while let Ok((mut client, _)) = listener.accept().await {
            let (server, torn) = (Arc::clone(&server), torn.lock().unwrap().clone());
            tokio::spawn(torn.run_until_cancelled_owned(async move {
                if let Ok(mut server) = TcpStream::connect(server.as_str()).await {
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                }
            }));
        }
    }
}

const BY_EXTRACTION: &str =
    "banyan_requests_total{route=\"catalog.list\",side=\"extraction\",status=\"2xx\"}";
const FALLBACKS: &str = "banyan_fallbacks_total{reason=\"error\",route=\"catalog.list\"}";

/// A proxy whose handlers' database is at the far end of a cable.
async fn proxy() -> (Proxy, Cable) {
    let shop = shop().await;
    let (credentials, rest) = shop.database_url.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(server.to_owned()).await;
    let setup = Setup {
        monolith: shop.url,
        database: Some(cable.through(credentials, name)),
        routes: Some(routes()),
        ..Setup::default()
    };
    (Proxy::start(setup, extracted::all()).await.unwrap(), cable)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_closed_while_idle_cost_no_handler_its_reply() {
    let (proxy, cable) = proxy().await;
    let list = async || reqwest::get(format!("{}/api/products", proxy.url())).await.unwrap();
    let mut answered = 0.0;
    for _ in 0..3 {
        assert_eq!(list().await.status(), 200);
        let now = metric(&proxy, BY_EXTRACTION).await;
        assert!(now > answered, "the monolith answered");
        answered = now;
        cable.tear();
    }
    assert!(metric(&proxy, FALLBACKS).await < 1.0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monolith_answers_when_the_handlers_database_is_gone() {
    let (proxy, cable) = proxy().await;
    let buyers = Buyers { base: proxy.url(), at_once: 3, seed: 5 };

    let before = buyers.run(Until::Journeys(4)).await;
    let answered = metric(&proxy, BY_EXTRACTION).await;
    assert!(answered > 0.0, "the handler answered nothing before the cut");

    let shopping = tokio::spawn(async move { buyers.run(Until::Journeys(8)).await });
    crate::support::eventually("more answers of the handler", || async {
        (metric(&proxy, BY_EXTRACTION).await > answered).then_some(())
    })
    .await;
    cable.cut.cancel();
    let during = shopping.await.unwrap();

    assert!(before.complaints.is_empty(), "{:#?}", before.complaints);
    assert!(during.complaints.is_empty(), "{:#?}", during.complaints);
    // And a request of which nothing can be in flight any more:
    let list = reqwest::get(format!("{}/api/products", proxy.url())).await.unwrap();
    assert_eq!(list.status(), 200);
    let fallbacks = metric(&proxy, FALLBACKS).await;
    assert!(fallbacks > 0.0, "nothing fell back");
    proxy.stop().await;
}

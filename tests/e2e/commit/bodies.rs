//! Bodies that wait for handlers: they share a room, and who finds none in it is the monolith's.

use std::sync::Arc;

use reqwest::Client;
use tests::banyan::{Proxy, Setup};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::Barrier};

use super::{fallback::IDLE, monolith::Monolith};
use crate::support::{eventually, forever, metric, quiet_shop};

/// 256 of these fill the room.
const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_that_fill_the_room_leave_others_to_the_monolith() {
    let monolith = Monolith::answering(|_| async { b"monolith".to_vec() }).await;
    let routes = "[[route]]\nid = \"idle.answer\"\nmatch = { path = \"/\" }\nstage = \"extracted\"\n\
                  limits = { buffer = \"2MiB\" }\nbreaker = { failures = 0 }\n";
    let setup = Setup {
        monolith: monolith.url(),
        database: Some(quiet_shop().await.database_url),
        routes: Some(routes.to_owned()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, forever(vec![IDLE])).await.unwrap();
    let ask = async || {
        let answer =
            Client::new().post(proxy.url()).body(vec![b'r'; 100_000]).send().await.unwrap();
        answer.bytes().await.unwrap()
    };
    assert_eq!(ask().await.len(), 100_000);

    let address = proxy.url().trim_start_matches("http://").to_owned();
    let full = Arc::new(Barrier::new(257));
    let uploads: Vec<_> = (0..256)
        .map(|_| {
            let (address, full) = (address.clone(), Arc::clone(&full));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let head = format!(
                    "POST / HTTP/1.1\r\nhost: shop.test\r\ncontent-length: {}\r\n\r\n",
                    MIB + 1
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(&vec![b's'; MIB]).await.unwrap();
                full.wait().await;
                stream
            })
        })
        .collect();
    full.wait().await;
    // Sent is not yet read.
    eventually("the room to be full", || async { (ask().await == "monolith").then_some(()) }).await;
    let overload = "banyan_fallbacks_total{reason=\"overload\",route=\"idle.answer\"}";
    assert!(metric(&proxy, overload).await > 0.0);

    for upload in uploads {
        drop(upload.await.unwrap());
    }
    eventually("there to be room again", || async { (ask().await != "monolith").then_some(()) })
        .await;
    proxy.stop().await;
}

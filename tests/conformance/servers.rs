//! A monolith of two servers: restarting one after the other loses no request.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use reqwest::Client;
use tests::banyan::{Proxy, Setup};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A server that answers every request with 200, and can be stopped as Puma is: it accepts no more,
/// finishes what it has, and closes what is idle.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    running: TaskTracker,
}

impl Server {
    async fn start(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, running) = (CancellationToken::new(), TaskTracker::new());
        let (stopped, connections) = (stop.clone(), running.clone());
        running.spawn(async move {
            while let Some(accepted) = stopped.run_until_cancelled(listener.accept()).await {
                connections.spawn(answer_all(accepted.unwrap().0, stopped.clone()));
            }
        });
        Self { address, stop, running }
    }

    async fn stop(&self) {
        self.stop.cancel();
        self.running.close();
        self.running.wait().await;
    }
}

async fn answer_all(stream: TcpStream, stopped: CancellationToken) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(Ok(Some(line))) = stopped.run_until_cancelled(lines.next_line()).await {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if line.is_empty() && write.write_all(answer).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restarting_each_server_in_turn_fails_no_request() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut servers = [Server::start(any).await, Server::start(any).await];
    let addresses = servers.each_ref().map(|it| format!("\"http://{}\"", it.address));
    let routes = format!("[monolith]\nservers = [{}]\n", addresses.join(", "));
    let proxy =
        Proxy::start(Setup { routes: Some(routes), ..Setup::default() }, &[]).await.unwrap();
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let buyers = (0..4).map(|_| {
        let (over, asked, url) = (Arc::clone(&over), Arc::clone(&asked), proxy.url());
        tokio::spawn(async move {
            let client = Client::new();
            while !over.load(Ordering::Relaxed) {
                let status = client.get(&url).send().await.map(|it| it.status().as_u16());
                if !matches!(status, Ok(200)) {
                    return Err(format!("{status:?}"));
                }
                asked.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    let buyers: Vec<_> = buyers.collect();
    // Returns when so many more were answered, or when one of them was not.
    let more = async |count| {
        let before = asked.load(Ordering::Relaxed);
        while asked.load(Ordering::Relaxed) < before + count
            && !buyers.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    for round in 0..6 {
        let server = &mut servers[round % 2];
        more(100).await;
        server.stop().await;
        more(100).await;
        *server = Server::start(server.address).await;
    }
    more(100).await;
    over.store(true, Ordering::Relaxed);
    for buyer in buyers {
        assert_eq!(buyer.await.unwrap(), Ok(()));
    }
    proxy.stop().await;
}

//! A monolith of two servers: restarting one after the other loses no request.

use std::net::SocketAddr;

use reqwest::Client;
use tests::banyan::{Proxy, Setup};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
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
    let (answers, mut answered) = mpsc::unbounded_channel();
    for _ in 0..4 {
        let (answers, url) = (answers.clone(), proxy.url());
        tokio::spawn(async move {
            let client = Client::new();
            // Until the test has seen enough.
            while let Ok(()) = answers.send(status(&client, &url).await) {}
        });
    }
    // All that were answered meanwhile, and a hundred more.
    let mut all_succeed = async || {
        while let Ok(answer) = answered.try_recv() {
            assert_eq!(answer, Ok(200));
        }
        for _ in 0..100 {
            assert_eq!(answered.recv().await, Some(Ok(200)));
        }
    };
    for round in 0..6 {
        let server = &mut servers[round % 2];
        all_succeed().await;
        server.stop().await;
        all_succeed().await;
        *server = Server::start(server.address).await;
    }
    all_succeed().await;
    proxy.stop().await;
}

async fn status(client: &Client, url: &str) -> Result<u16, String> {
    let answer = client.get(url).send().await;
    answer.map(|it| it.status().as_u16()).map_err(|error| format!("{error:?}"))
}

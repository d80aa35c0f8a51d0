//! Stands between Banyan and Redis, and loses every fiftieth answer with its connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The relay. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct FlakyRedis {
    address: SocketAddr,
    _stop: DropGuard,
}

impl FlakyRedis {
    pub(super) async fn before(redis: &str) -> Self {
        let server = redis.trim_start_matches("redis://").split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let (ended, answers) = (stop.clone(), Arc::<AtomicUsize>::default());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            while let Ok((client, _)) = listener.accept().await {
                let relay = relay(client, server.clone(), Arc::clone(&answers));
                tokio::spawn(ended.clone().run_until_cancelled_owned(relay));
            }
        }));
        Self { address, _stop: stop.drop_guard() }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }
}

async fn relay(client: TcpStream, server: String, answers: Arc<AtomicUsize>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut client_reader, mut client_writer) = client.into_split();
    let (mut server_reader, mut server_writer) = server.into_split();
    let down = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = server_reader.read(&mut buffer).await {
            let lost = answers.fetch_add(1, Ordering::SeqCst) % 50 == 49;
            if lost || client_writer.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = down => {}
        _ = copy(&mut client_reader, &mut server_writer) => {}
    }
}

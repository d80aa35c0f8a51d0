//! A server that says exactly what a test tells it to say, and knows every byte that it was sent.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::timeout,
};

use crate::{
    message::Message,
    wire::{PATIENCE, Wire},
};

/// What the origin does after it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Nothing more until the other side closes.
    Silence,
    Close,
    Reset,
}

/// A request that arrived whole.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// The number of the connection that it came on.
    pub(crate) connection: usize,
    pub(crate) request: Message,
}

/// Everything that arrived.
#[derive(Debug, Default)]
struct Journal {
    /// The bytes of all connections, as they came.
    bytes: Arc<Mutex<Vec<u8>>>,
    /// How many connections there were.
    connections: AtomicUsize,
    requests: Mutex<Vec<Arrived>>,
}

/// A listening server. Either the test takes the connections ([`Origin::accept`]), or a script
/// answers them ([`Origin::scripted`]).
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    /// `None` while a script accepts.
    listener: Option<TcpListener>,
    script: Option<AbortHandle>,
    journal: Arc<Journal>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, listener: Some(listener), script: None, journal: Arc::default() }
    }

    /// An origin that does for each request what `script` says.
    pub(crate) async fn scripted<F>(script: F) -> Self
    where
        F: Fn(&Message) -> Vec<Step> + Send + Sync + 'static,
    {
        let mut origin = Self::start().await;
        let (journal, script) = (Arc::clone(&origin.journal), Arc::new(script));
        let listener = origin.listener.take().unwrap();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (number, wire) = journal.open(stream);
                let (journal, script) = (Arc::clone(&journal), Arc::clone(&script));
                tokio::spawn(async move { serve(number, wire, &*script, &journal).await });
            }
        });
        origin.script = Some(accepting.abort_handle());
        origin
    }

    /// An origin that answers everything with 200, and the target as the body.
    pub(crate) async fn plain() -> Self {
        Self::scripted(|request| vec![Step::Send(ok(request.target()))]).await
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Result<Wire, String> {
        let listener = self.listener.as_ref().unwrap();
        match timeout(PATIENCE, listener.accept()).await {
            Ok(accepted) => Ok(self.journal.open(accepted.unwrap().0).1),
            Err(_) => Err("nobody connected to the origin".to_owned()),
        }
    }

    /// Every request that a script has read whole.
    pub(crate) fn requests(&self) -> Vec<Arrived> {
        self.journal.requests.lock().unwrap().clone()
    }

    /// The only request with this target.
    pub(crate) fn request(&self, target: &str) -> Result<Message, String> {
        let mut found = self.requests();
        found.retain(|it| it.request.target() == target);
        match found.len() {
            1 => Ok(found.remove(0).request),
            times => Err(format!("{target} arrived {times} times")),
        }
    }

    /// Waits until a script has read so many requests whole.
    pub(crate) async fn arrives(&self, count: usize) {
        while self.journal.requests.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// All bytes of all connections, as they came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.journal.bytes.lock().unwrap().clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(script) = &self.script {
            script.abort();
        }
    }
}

impl Journal {
    fn open(&self, stream: TcpStream) -> (usize, Wire) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        (number, Wire::new(stream, Arc::clone(&self.bytes)))
    }
}

/// Serves one connection until one of the two closes it.
async fn serve<F>(connection: usize, mut wire: Wire, script: &F, journal: &Journal)
where
    F: Fn(&Message) -> Vec<Step>,
{
    while let Ok(request) = wire.request().await {
        let steps = script(&request);
        journal.requests.lock().unwrap().push(Arrived { connection, request });
        for step in steps {
            match step {
                Step::Send(bytes) => wire.send(bytes).await,
                Step::Silence => return drop(wire.rest().await),
                Step::Close => return,
                Step::Reset => return wire.reset(),
            }
        }
    }
}

/// A plain answer.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

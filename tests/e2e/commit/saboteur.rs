//! Stands between the handlers and MariaDB, understands the client's commands, and breaks the
//! connection at a chosen one.
//!
//! Source: MySQL's client/server protocol; a packet is a length of three bytes, a sequence number
//! and that many bytes, and a command begins a new sequence.

use std::{
    collections::BTreeMap,
    future::pending,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How a connection is broken at a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// The server never gets the command.
    Before,
    /// The server does what it says; its answer is lost.
    Lost,
    /// The server never gets the command, nor hears that its client is gone.
    Half,
}

/// A command of a handler's transaction, counted from its beginning, and what happens there.
pub(super) type Fault = (usize, Cut);

/// What is to happen; by default nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// Every second transaction meets one of these, each time one that has happened least often: a
    /// transaction may end before it comes to the statement.
    pub(super) faults: Vec<Fault>,
    /// Every so many questions for a commit's outcome lose their answer; 0 for none.
    pub(super) lost_questions: usize,
    /// After the first fault nobody can connect any more.
    pub(super) alone_after_a_fault: bool,
}

/// The relay. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Saboteur {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// How often a fault has happened, and how often it was to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Met {
    done: usize,
    planned: usize,
}

#[derive(Debug)]
struct Shared {
    server: String,
    plan: Mutex<Plan>,
    transactions: AtomicUsize,
    /// The commands of the last transaction that was committed in peace.
    length: AtomicUsize,
    questions: AtomicUsize,
    refusing: AtomicBool,
    /// Breaks what is open now.
    cut: Mutex<CancellationToken>,
    met: Mutex<BTreeMap<Fault, Met>>,
    /// Whose clients are gone without the server knowing.
    held: Mutex<Vec<(OwnedReadHalf, OwnedWriteHalf)>>,
}

impl Saboteur {
    /// Before the server of this database; nothing happens until there is a plan.
    pub(super) async fn before(database: &str) -> Self {
        let server = database.rsplit_once('@').unwrap().1.split_once('/').unwrap().0;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            plan: Mutex::default(),
            transactions: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
            refusing: AtomicBool::new(false),
            cut: Mutex::default(),
            met: Mutex::default(),
            held: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let accepting = accept(listener, Arc::clone(&shared), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self { address, shared, _stop: stop.drop_guard() }
    }

    /// The database's URL, through here.
    pub(super) fn in_the_way_of(&self, database: &str) -> String {
        let (credentials, rest) = database.rsplit_once('@').unwrap();
        let (_, name) = rest.split_once('/').unwrap();
        format!("{credentials}@{}/{name}", self.address)
    }

    /// From now on this happens.
    pub(super) fn follow(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap() = plan;
    }

    /// How many commands there were, from BEGIN to COMMIT, in the last transaction that was
    /// committed in peace.
    pub(super) fn length(&self) -> usize {
        self.shared.length.load(Ordering::SeqCst)
    }

    /// How often each fault has happened that has.
    pub(super) fn done(&self) -> BTreeMap<Fault, usize> {
        let met = self.shared.met.lock().unwrap();
        met.iter().filter(|it| it.1.done > 0).map(|(fault, met)| (*fault, met.done)).collect()
    }

    /// From now on nobody is connected.
    pub(super) fn refuse(&self) {
        self.shared.refusing.store(true, Ordering::SeqCst);
        self.shared.cut.lock().unwrap().cancel();
    }

    /// Everybody can connect again.
    pub(super) fn admit(&self) {
        *self.shared.cut.lock().unwrap() = CancellationToken::new();
        self.shared.refusing.store(false, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    while let Ok((client, _)) = listener.accept().await {
        if shared.refusing.load(Ordering::SeqCst) {
            continue;
        }
        let cut = shared.cut.lock().unwrap().clone();
        let relay = relay(client, Arc::clone(&shared));
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            cut.run_until_cancelled(relay).await;
        }));
    }
}

async fn relay(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(&shared.server).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reader, mut client_writer) = client.into_split();
    let (mut server_reader, mut server_writer) = server.into_split();
    let mute = AtomicBool::new(false);
    let down = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = server_reader.read(&mut buffer).await {
            if mute.load(Ordering::SeqCst)
                || client_writer.write_all(&buffer[..length]).await.is_err()
            {
                break;
            }
        }
    };
    let half = tokio::select! {
        () = down => false,
        half = up(client_reader, &mut server_writer, &mute, &shared) => half,
    };
    if half {
        shared.held.lock().unwrap().push((server_reader, server_writer));
    }
}

/// Passes the client's packets on until a fault is due; tells whether the server is to be left in
/// the dark.
async fn up(
    mut client: OwnedReadHalf,
    server: &mut OwnedWriteHalf,
    mute: &AtomicBool,
    shared: &Shared,
) -> bool {
    let mut line = Line::default();
    while let Some(packet) = packet(&mut client).await {
        let cut = line.next(&packet, shared);
        match cut {
            Some(Cut::Before) => return false,
            Some(Cut::Half) => return true,
            Some(Cut::Lost) => mute.store(true, Ordering::SeqCst),
            None => {}
        }
        if server.write_all(&packet).await.is_err() {
            return false;
        }
        if cut.is_some() {
            // Until the other direction has seen the answer.
            pending::<()>().await;
        }
    }
    false
}

async fn packet(client: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut packet = vec![0; 4];
    client.read_exact(&mut packet).await.ok()?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    client.read_exact(&mut packet[4..]).await.ok()?;
    Some(packet)
}

/// What is known of one connection.
#[derive(Debug, Default)]
struct Line {
    /// Of a handler's transaction: the commands so far, and where it is to break.
    transaction: Option<(usize, Option<Fault>)>,
    /// A question for a commit's outcome, whose answer is to be lost.
    losing_question: bool,
}

const COM_QUERY: u8 = 3;
const COM_STMT_EXECUTE: u8 = 0x17;

impl Line {
    fn next(&mut self, packet: &[u8], shared: &Shared) -> Option<Cut> {
        let [_, _, _, 0, command @ (COM_QUERY | COM_STMT_EXECUTE), text @ ..] = packet else {
            return None;
        };
        let query = *command == COM_QUERY;
        if query && text.starts_with(b"SET autocommit = 0") {
            self.transaction = Some((0, shared.next_fault()));
        } else if let Some((step, _)) = &mut self.transaction {
            *step += 1;
        } else if query && text.starts_with(b"SET SESSION innodb_lock_wait_timeout") {
            let number = shared.questions.fetch_add(1, Ordering::SeqCst) + 1;
            let every = shared.plan.lock().unwrap().lost_questions;
            self.losing_question = number.is_multiple_of(every);
            return None;
        } else {
            return (!query && std::mem::take(&mut self.losing_question)).then_some(Cut::Lost);
        }
        let (step, fault) = self.transaction?;
        let due = fault.filter(|it| it.0 == step);
        if query && (text == b"COMMIT" || text == b"ROLLBACK") {
            self.transaction = None;
            if text == b"COMMIT" && due.is_none() {
                shared.length.store(step + 1, Ordering::SeqCst);
            }
        }
        let fault = due?;
        shared.met.lock().unwrap().entry(fault).or_default().done += 1;
        let alone = shared.plan.lock().unwrap().alone_after_a_fault;
        shared.refusing.fetch_or(alone, Ordering::SeqCst);
        Some(fault.1)
    }
}

impl Shared {
    fn next_fault(&self) -> Option<Fault> {
        let number = self.transactions.fetch_add(1, Ordering::SeqCst);
        if number.is_multiple_of(2) {
            return None;
        }
        let (plan, mut met) = (self.plan.lock().unwrap(), self.met.lock().unwrap());
        let rarest = |it: &&Fault| met.get(it).copied().unwrap_or_default();
        let next = *plan.faults.iter().min_by_key(rarest)?;
        met.entry(next).or_default().planned += 1;
        Some(next)
    }
}

//! A broker that speaks Kafka's protocol: Tansu, which keeps everything in memory. It is not Apache
//! Kafka; faults of a cluster are played with librdkafka's own in the proxy's unit tests.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{BorrowedMessage, Headers as _},
};
use tests::project::{self, Scratch};
use tokio::task::spawn_blocking;

/// How long the broker may take to answer a reader.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place where a broker is, or could be.
pub(super) struct Broker {
    process: Option<Child>,
    address: String,
    state: Scratch,
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) headers: BTreeMap<String, String>,
}

impl Message {
    /// The event's, by its header.
    pub(super) fn id(&self) -> i64 {
        self.headers["id"].parse().unwrap()
    }
}

impl Broker {
    /// Nobody listens there yet.
    pub(super) fn absent() -> Self {
        // Tansu cannot say which port it took, so one is chosen that is free at this moment.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self { process: None, address, state: Scratch::new("kafka") }
    }

    /// Started; who connects too early tries again.
    pub(super) fn running() -> Self {
        let mut broker = Self::absent();
        broker.start();
        broker
    }

    pub(super) fn start(&mut self) {
        let url = format!("tcp://{}", self.address);
        let log = File::create(self.state.path().join("log")).unwrap();
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(project::target().join("tools/tansu"))
            .args(["broker", "--listener-url", &url, "--advertised-listener-url", &url])
            .args(["--storage-engine", "memory://tansu/"])
            .current_dir(self.state.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("`make test` fetches Tansu");
        self.process = Some(process);
    }

    /// The broker does nothing any more; connections stay open, as with a machine that hangs.
    pub(super) fn hang(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub(super) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// `--kafka`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// All that is there at this moment, by partition and offset.
    pub(super) async fn messages(&self) -> Vec<Message> {
        let address = self.address.clone();
        let mut messages = spawn_blocking(move || read(&address)).await.unwrap();
        messages.sort();
        messages
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn read(address: &str) -> Vec<Message> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("group.id", "test");
    config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let cluster = consumer.fetch_metadata(None, PATIENCE).unwrap();
    let mut partitions = TopicPartitionList::new();
    for topic in cluster.topics() {
        for partition in topic.partitions() {
            let start = Offset::Beginning;
            partitions.add_partition_offset(topic.name(), partition.id(), start).unwrap();
        }
    }
    consumer.assign(&partitions).unwrap();
    let (mut messages, mut ended, mut fault) = (Vec::new(), 0, None);
    let patience = Instant::now() + PATIENCE;
    while ended < partitions.count() {
        assert!(Instant::now() < patience, "no end, with {} read: {fault:?}", messages.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => messages.push(owned(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            // It may be starting; the reader tries again by itself.
            Some(Err(error)) => fault = Some(error),
            None => {}
        }
    }
    messages
}

fn owned(message: &BorrowedMessage<'_>) -> Message {
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    let headers = message.headers().unwrap().iter();
    Message {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: text(message.key()),
        value: text(message.payload()),
        headers: headers.map(|it| (it.key.to_owned(), text(it.value))).collect(),
    }
}

//! The messages of a hand-over: one JSON object a line, and sockets beside empty lines.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, Shutdown, recvmsg, sendmsg, shutdown,
    },
};
use serde::{Deserialize, Serialize};
use tokio::{io::Interest, net::UnixStream};

use super::HandoverError;

/// The version of these messages; both sides must speak the same.
pub(super) const VERSION: u32 = 1;

/// Sockets in one message at most: the kernel's `SCM_MAX_FD`, see unix(7).
const MAX_FDS: usize = 253;

/// A line longer than this is none of ours: bytes.
const MAX_LINE: usize = 1 << 20;

/// What the two processes say to each other.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub(super) enum Message {
    /// The successor asks for the sockets.
    Take,
    /// They follow: the upgrade socket first, then these.
    Sockets {
        /// In the order in which they follow.
        addresses: Vec<Listed>,
    },
    /// The successor is ready: the other may retire.
    Serving,
    /// It does: from now on all is the successor's.
    Retiring,
    /// It does not, and serves on: it has given up waiting, or cannot understand the successor.
    Staying,
}

/// How many sockets an address has.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// As the settings have it.
    pub(super) address: String,
    pub(super) sockets: u16,
}

/// A message with its version, as it stands in a line.
#[derive(Debug, Serialize, Deserialize)]
struct Line<M> {
    version: u32,
    #[serde(flatten)]
    message: M,
}

/// One connection between two processes of one user.
#[derive(Debug)]
pub(super) struct Channel {
    stream: UnixStream,
    /// Received, but not yet a whole line.
    bytes: Vec<u8>,
    /// Received, and not yet asked for.
    fds: VecDeque<OwnedFd>,
}

impl Channel {
    /// Makes sure that user `uid` is at the other end.
    pub(super) fn new(stream: UnixStream, uid: u32) -> Result<Self, HandoverError> {
        let peer = stream.peer_cred().map_err(HandoverError::Connection)?.uid();
        if peer != uid {
            return Err(HandoverError::Stranger(peer));
        }
        Ok(Self { stream, bytes: Vec::new(), fds: VecDeque::new() })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), HandoverError> {
        let line = Line { version: VERSION, message };
        let mut line = serde_json::to_vec(&line).map_err(|_| HandoverError::Malformed)?;
        line.push(b'\n');
        let mut left = line.as_slice();
        while !left.is_empty() {
            let sent = self.send_some(left, &[]).await?;
            left = left.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) async fn send_sockets(&self, fds: &[BorrowedFd<'_>]) -> Result<(), HandoverError> {
        for fds in fds.chunks(MAX_FDS) {
            self.send_some(b"\n", fds).await?;
        }
        Ok(())
    }

    pub(super) async fn receive(&mut self) -> Result<Message, HandoverError> {
        loop {
            if let Some(line) = take_line(&mut self.bytes) {
                return parse(&line);
            }
            if self.bytes.len() > MAX_LINE {
                return Err(HandoverError::Malformed);
            }
            self.receive_some().await?;
        }
    }

    pub(super) async fn receive_sockets(
        &mut self,
        count: usize,
    ) -> Result<Vec<OwnedFd>, HandoverError> {
        while self.fds.len() < count {
            self.receive_some().await?;
        }
        Ok(self.fds.drain(..count).collect())
    }

    /// Closes the connection in both directions, then reads what had come before. What the other
    /// side sends later fails for it, so both agree on whether a message has come.
    pub(super) async fn last_message(&mut self) -> Result<Message, HandoverError> {
        shutdown(&self.stream, Shutdown::Both).map_err(|it| failure(it.into()))?;
        self.receive().await
    }

    async fn send_some(
        &self,
        bytes: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<usize, HandoverError> {
        let send = || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let bytes = [IoSlice::new(bytes)];
            Ok(sendmsg(self.stream.as_fd(), &bytes, &mut control, SendFlags::NOSIGNAL)?)
        };
        self.stream.async_io(Interest::WRITABLE, send).await.map_err(failure)
    }

    async fn receive_some(&mut self) -> Result<(), HandoverError> {
        let mut buffer = [0; 512];
        let (count, fds, is_cut) = self
            .stream
            .async_io(Interest::READABLE, || receive(self.stream.as_fd(), &mut buffer))
            .await
            .map_err(failure)?;
        if is_cut {
            return Err(HandoverError::Lost);
        }
        self.bytes.extend_from_slice(&buffer[..count]);
        self.fds.extend(fds);
        if count == 0 { Err(HandoverError::Gone) } else { Ok(()) }
    }
}

/// Bytes, sockets, and whether some of those were lost.
fn receive(stream: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>, bool)> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let bytes = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(stream, bytes, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok((received.bytes, fds, received.flags.contains(ReturnFlags::CTRUNC)))
}

/// The first line that is not empty, without its end.
fn take_line(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let start = bytes.iter().position(|it| *it != b'\n').unwrap_or(bytes.len());
    bytes.drain(..start);
    let end = bytes.iter().position(|it| *it == b'\n')?;
    Some(bytes.drain(..=end).take(end).collect())
}

fn parse(line: &[u8]) -> Result<Message, HandoverError> {
    // First the version alone: of another one we do not know the messages.
    let Line { version, .. } = serde_json::from_slice::<Line<serde::de::IgnoredAny>>(line)
        .map_err(|_| HandoverError::Malformed)?;
    if version != VERSION {
        return Err(HandoverError::Version(version));
    }
    let line: Line<Message> = serde_json::from_slice(line).map_err(|_| HandoverError::Malformed)?;
    Ok(line.message)
}

/// A connection that was closed, and one that could not be written to any more, are the same.
fn failure(error: io::Error) -> HandoverError {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    match error.kind() {
        BrokenPipe | ConnectionReset | NotConnected => HandoverError::Gone,
        _ => HandoverError::Connection(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _, time::Duration};

    use proptest::prelude::*;
    use rustix::process::geteuid;
    use tokio::time::timeout;

    use super::*;

    fn channels() -> (Channel, Channel) {
        let (one, other) = UnixStream::pair().unwrap();
        let uid = geteuid().as_raw();
        (Channel::new(one, uid).unwrap(), Channel::new(other, uid).unwrap())
    }

    fn listed(address: &str, sockets: u16) -> Message {
        Message::Sockets { addresses: vec![Listed { address: address.into(), sockets }] }
    }

    #[tokio::test]
    async fn a_stranger_is_refused() {
        let (stream, _other) = UnixStream::pair().unwrap();
        let uid = geteuid().as_raw();
        let refused = Channel::new(stream, uid + 1).unwrap_err();
        assert!(matches!(refused, HandoverError::Stranger(it) if it == uid));
    }

    #[tokio::test]
    async fn more_sockets_than_one_message_holds_arrive_in_order() {
        let (sender, mut other) = channels();
        // Each of another size, so that their order can be seen.
        let files: Vec<File> = (0..=2 * MAX_FDS)
            .map(|size| {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&vec![0; size]).unwrap();
                file
            })
            .collect();
        let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        let send = async {
            sender.send(&listed("a", 1)).await.unwrap();
            sender.send_sockets(&fds).await.unwrap();
            sender.send(&Message::Serving).await.unwrap();
        };
        let receive = async {
            assert_eq!(other.receive().await.unwrap(), listed("a", 1));
            let fds = other.receive_sockets(files.len()).await.unwrap();
            assert_eq!(other.receive().await.unwrap(), Message::Serving);
            fds
        };
        let ((), received) = tokio::join!(send, receive);
        for (size, fd) in (0..).zip(received) {
            assert_eq!(File::from(fd).metadata().unwrap().len(), size);
        }
    }

    #[tokio::test]
    async fn a_message_that_came_before_the_end_is_read_and_none_comes_after() {
        let (one, mut other) = channels();
        one.send(&Message::Retiring).await.unwrap();
        assert_eq!(other.last_message().await.unwrap(), Message::Retiring);
        assert!(matches!(one.send(&Message::Retiring).await, Err(HandoverError::Gone)));
        let after = timeout(Duration::from_secs(20), other.receive()).await.unwrap();
        assert!(matches!(after, Err(HandoverError::Gone)));
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_given_up() {
        let (sender, mut other) = channels();
        let endless = async { while sender.send_some(&[b' '; 4096], &[]).await.is_ok() {} };
        let receive = async {
            let received = other.receive().await;
            drop(other);
            received
        };
        let ((), received) = tokio::join!(endless, receive);
        assert!(matches!(received, Err(HandoverError::Malformed)));
    }

    #[test]
    fn another_version_is_named_whatever_it_says() {
        let line = br#"{"version":7,"message":"give","quickly":true}"#;
        assert!(matches!(parse(line), Err(HandoverError::Version(7))));
        let line = br#"{"version":1,"message":"give"}"#;
        assert!(matches!(parse(line), Err(HandoverError::Malformed)));
    }

    proptest! {
        #[test]
        fn lines_are_cut_where_they_end_however_they_come(
            lines in prop::collection::vec("[a-z]{0,9}", 0..9),
            rest in "[a-z]{0,9}",
        ) {
            let mut bytes = lines.iter().flat_map(|it| [it, "\n"]).collect::<String>() + &rest;
            let mut bytes = std::mem::take(&mut bytes).into_bytes();
            for line in lines.iter().filter(|it| !it.is_empty()) {
                prop_assert_eq!(take_line(&mut bytes), Some(line.clone().into_bytes()));
            }
            prop_assert_eq!(take_line(&mut bytes), None);
            prop_assert_eq!(bytes, rest.into_bytes());
        }

        #[test]
        fn what_is_said_is_understood(address in "\\PC{0,20}", sockets: u16) {
            let message = listed(&address, sockets);
            let line = serde_json::to_vec(&Line { version: VERSION, message: &message }).unwrap();
            prop_assert_eq!(parse(&line).unwrap(), message);
        }

        #[test]
        fn nothing_that_comes_is_a_panic(line: Vec<u8>) {
            let _ = parse(&line);
        }
    }
}

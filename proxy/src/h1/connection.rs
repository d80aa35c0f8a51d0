//! A connection to a server that speaks HTTP/1.1, ready for an exchange.

use std::time::Instant;

use bytes::BytesMut;

use super::write::Writer;
use crate::io::{ReadHalf, Reader, Socket, Timer, WriteHalf};

/// One connection to a server.
#[derive(Debug)]
pub struct Connection {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) timer: Timer,
    /// When it was opened, or last given back.
    pub idle_since: Instant,
    /// It has carried an exchange before.
    pub reused: bool,
}

impl Connection {
    /// A connection that was just opened.
    pub fn new(socket: Socket) -> Self {
        let (read, write) = socket.split();
        Self {
            reader: Reader::new(read, BytesMut::new()),
            writer: Writer::new(write),
            timer: Timer::default(),
            idle_since: Instant::now(),
            reused: false,
        }
    }

    /// It has carried an exchange, and nothing more is asked for a while.
    pub fn rest(&mut self) {
        self.idle_since = Instant::now();
        self.reused = true;
        self.reader.rest();
    }

    /// Whether the server has neither closed it nor sent anything unasked, as far as is known.
    /// `surely`: as far as the system knows this moment, which costs a system call.
    pub fn is_quiet(&mut self, surely: bool) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        self.reader.is_quiet(&mut context) && (!surely || self.reader.is_quiet_now())
    }

    /// Its halves, and what was read ahead, for a tunnel.
    pub fn into_parts(self) -> (ReadHalf, BytesMut, WriteHalf) {
        let (read, buffer) = self.reader.into_parts();
        (read, buffer, self.writer.into_half())
    }
}

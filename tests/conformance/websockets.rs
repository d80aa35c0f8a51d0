//! `WebSocket`s between a client and an echoing server that know what they are, over HTTP/1.1 and
//! HTTP/2: cases after the Autobahn suite, by its numbers.
//!
//! The suite itself needs Python 2 or a container, and judges an end of a WebSocket. Banyan is none:
//! of its cases these are the ones that bytes on their way could break. Compressed messages
//! (12 and 13) are negotiated by the two ends, and are bytes like others.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, Version};
use tests::{
    banyan::{Proxy, Setup},
    websocket::{Opener, WebSocket},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
    time::timeout,
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use crate::{
    support::{Verdict, Verdicts, same},
    wire::PATIENCE,
};

/// Sends back what it receives. A text of digits is a request to close with that code.
struct Echo {
    address: SocketAddr,
    accepting: AbortHandle,
    /// The heads of the requests, as they arrived.
    asked: mpsc::UnboundedReceiver<Request>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream, sender.clone()));
            }
        });
        Self { address, accepting: accepting.abort_handle(), asked }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn echo(stream: TcpStream, asked: mpsc::UnboundedSender<Request>) {
    #[expect(clippy::result_large_err, reason = "tungstenite's callback")]
    let choose = |request: &Request, mut answer: Response| {
        let _ = asked.send(request.clone());
        answer.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("v2.chat"));
        Ok(answer)
    };
    let Ok(mut socket) = accept_hdr_async(stream, choose).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let code = message.to_text().ok().and_then(|it| it.parse::<u16>().ok());
        if let Some(code) = code.filter(|_| message.is_text()) {
            let frame = CloseFrame { code: code.into(), reason: "as you wish".into() };
            let _ = socket.close(Some(frame)).await;
        } else if message.is_text() || message.is_binary() {
            let _ = socket.send(message).await;
        }
    }
}

/// Banyan before it, and both ways through.
async fn before(echo: &Echo) -> (Proxy, [Opener; 2]) {
    let setup = Setup {
        monolith: format!("http://{}", echo.address),
        listen: Some("h2c://127.0.0.1:0".into()),
        flags: vec!["--workers=1".into(), "--drain-timeout=0".into()],
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let address = proxy.address();
    let openers = [Version::HTTP_11, Version::HTTP_2];
    (proxy, openers.map(|version| Opener { address, certificate: None, version }))
}

async fn opened(opener: &Opener) -> WebSocket {
    opener.open("/echo", &[("sec-websocket-protocol", "v2.chat")]).await.unwrap().0
}

async fn next(socket: &mut WebSocket) -> Result<Message, String> {
    match timeout(PATIENCE, socket.next()).await {
        Ok(Some(Ok(message))) => Ok(message),
        other => Err(format!("{other:?} where a message was due")),
    }
}

/// Sends these, and expects those in their order.
async fn exchange(socket: &mut WebSocket, sent: Vec<Message>, due: &[Message]) -> Verdict {
    for message in sent {
        socket.feed(message).await.map_err(|error| error.to_string())?;
    }
    socket.flush().await.map_err(|error| error.to_string())?;
    for due in due {
        let seen = next(socket).await?;
        // Of a megabyte that is not right, nobody wants to see all.
        let start =
            |it: &Message| it.clone().into_data().iter().take(40).copied().collect::<Vec<_>>();
        same("the length", &seen.len(), &due.len())?;
        same("the start", &start(&seen), &start(due))?;
        same("being the same", &(seen == *due), &true)?;
    }
    Ok(())
}

/// A message in pieces of `size` bytes.
fn fragments(message: &Message, size: usize) -> Vec<Message> {
    let kind = if message.is_text() { Data::Text } else { Data::Binary };
    let data = message.clone().into_data();
    let count = data.len().div_ceil(size);
    let frames = data.chunks(size).zip(1..).map(|(piece, number)| {
        let kind = if number == 1 { kind } else { Data::Continue };
        Frame::message(piece.to_vec(), OpCode::Data(kind), number == count)
    });
    frames.map(Message::Frame).collect()
}

/// A name, what is sent, and what must come back.
type Case = (String, Vec<Message>, Vec<Message>);

fn cases() -> Vec<Case> {
    const MIB: usize = 1024 * 1024;
    let mut cases: Vec<Case> = Vec::new();
    let mut echoed = |name: String, message: &Message, sent: Vec<Message>| {
        cases.push((name, sent, vec![message.clone()]));
    };
    // 1.1.1 to 1.2.7 and 9.1 to 9.2: around every width of a length.
    for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536, MIB] {
        for message in [Message::text("*".repeat(length)), Message::binary(vec![0xFE; length])] {
            echoed(format!("{length} bytes"), &message, vec![message.clone()]);
        }
    }
    // 5.3 to 5.5, 6.2.4 and 9.3 to 9.4: in pieces, also within a character.
    let unicode = Message::text("Hello-µ@ßöäüàá-UTF-8!!");
    echoed("a character in pieces".into(), &unicode, fragments(&unicode, 1));
    for size in [64, 1024, 64 * 1024] {
        let message = Message::binary((0..=u8::MAX).cycle().take(MIB).collect::<Vec<_>>());
        echoed(format!("1 MiB in pieces of {size}"), &message, fragments(&message, size));
    }
    // 2.1 to 2.6 and 2.8: pings; 2.7: nobody answers a pong.
    for length in [0, 1, 125] {
        let data = vec![0xFF; length];
        let (sent, due) = (Message::Ping(data.clone().into()), Message::Pong(data.into()));
        cases.push((format!("a ping of {length}"), vec![sent], vec![due]));
    }
    let (pong, text) = (Message::Pong("unasked".into()), Message::text("after"));
    cases.push(("an unasked pong".into(), vec![pong, text.clone()], vec![text]));
    // 5.6 to 5.8: a ping between the pieces of a message is answered first.
    let mut between = fragments(&unicode, 10);
    between.insert(1, Message::Ping("now".into()));
    cases.push(("a ping between".into(), between, vec![Message::Pong("now".into()), unicode]));
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_size_in_pieces_and_with_pings_between_come_back_the_same() {
    let echo = Echo::start().await;
    let (proxy, openers) = before(&echo).await;
    let mut verdicts = Verdicts::default();
    for opener in &openers {
        // All on one connection: what an earlier message leaves behind would show in the next.
        let mut socket = opened(opener).await;
        for (name, sent, due) in cases() {
            let verdict = exchange(&mut socket, sent, &due).await;
            verdicts.add(&format!("{name}, {:?}", opener.version), verdict);
        }
    }
    proxy.stop().await;
    verdicts.conclude();
}

/// Case 7: whoever says goodbye, the other hears the same code and the same words, and then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_goodbye_passes_unchanged() {
    let echo = Echo::start().await;
    let (proxy, openers) = before(&echo).await;
    let mut verdicts = Verdicts::default();
    for opener in &openers {
        for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
            for by_server in [false, true] {
                let verdict = goodbye(&mut opened(opener).await, code, by_server).await;
                let name = format!("{code}, by the server: {by_server}, {:?}", opener.version);
                verdicts.add(&name, verdict);
            }
        }
    }
    proxy.stop().await;
    verdicts.conclude();
}

async fn goodbye(socket: &mut WebSocket, code: u16, by_server: bool) -> Verdict {
    let reason = if by_server { "as you wish" } else { "seen" };
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
    let sent = if by_server {
        Message::text(code.to_string())
    } else {
        Message::Close(Some(frame.clone()))
    };
    socket.send(sent).await.map_err(|error| error.to_string())?;
    let seen = next(socket).await?;
    // The one who has begun is answered with the code; tungstenite repeats the reason, too.
    same("the goodbye", &seen, &Message::Close(Some(frame)))?;
    match timeout(PATIENCE, socket.next()).await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?} after the goodbye")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_two_ends_agree_on_passes_unchanged() {
    let mut echo = Echo::start().await;
    let (proxy, openers) = before(&echo).await;
    let offers = [
        ("sec-websocket-protocol", "v1.chat, v2.chat"),
        (
            "sec-websocket-extensions",
            "permessage-deflate; client_max_window_bits, x-other; a=\"b\"",
        ),
    ];
    for opener in &openers {
        let (_, answered) = opener.open("/echo?room=a%2Fb", &offers).await.unwrap();
        assert_eq!(answered["sec-websocket-protocol"], "v2.chat");
        assert!(!answered.contains_key("sec-websocket-extensions"), "{answered:?}");
        let asked = echo.asked.recv().await.unwrap();
        assert_eq!(asked.uri(), "/echo?room=a%2Fb");
        for (name, value) in offers {
            let arrived: Vec<_> = asked.headers().get_all(name).iter().collect();
            assert_eq!(arrived, [value], "{name} over {:?}", opener.version);
        }
        let key = asked.headers()["sec-websocket-key"].to_str().unwrap();
        assert_eq!(key.len(), 24, "{key} is not 16 bytes in base64");
    }
    proxy.stop().await;
}

//! What a client can do to a server by HTTP/2 at little cost to itself: each is bounded, is counted,
//! costs the origin next to nothing, and leaves other clients alone.

use tests::banyan::Proxy;

use crate::{
    h2_requests::{answer, h2c},
    h2_wire::{
        ACK, CONTINUATION, Client, END_STREAM, HEADERS, Outcome, PING, PRIORITY, PROTOCOL_ERROR,
        REFUSED_STREAM, SETTINGS, block, data, frame, get, headers, post, reset, window,
    },
    origin::{Origin, Step, ok},
    support::{Verdict, Verdicts, fired, holds, same},
};

/// More than anybody may send.
const FLOOD: u32 = 50_000;

/// What a flood is made of, by its number.
type Piece = Box<dyn FnMut(u32) -> Vec<u8>>;

/// The identifier of a client's n-th stream.
fn stream(number: u32) -> u32 {
    2 * number + 1
}

/// Fails unless `piece`, sent again and again, ends the connection, with no more than `arrivals` requests at the origin, while another client is served.
async fn is_bounded(
    proxy: &Proxy,
    origin: &Origin,
    piece: impl FnMut(u32) -> Vec<u8>,
    arrivals: usize,
) -> Verdict {
    let before = origin.requests().len();
    let mut other = Client::connect(proxy.address()).await;
    let mut attacker = Client::connect(proxy.address()).await;
    let served = async {
        for number in 0..20 {
            let seen = other.ask(stream(number), &get("/other")).await;
            same("what another client got", &seen, &answer(200, "/other"))?;
        }
        Verdict::Ok(())
    };
    let (flooded, served) = tokio::join!(attacker.flood(FLOOD, piece), served);
    served?;
    let (_, code) = flooded?;
    let arrived = origin.requests().len() - before - 20;
    holds(arrived <= arrivals, || format!("{arrived} requests arrived"))?;
    // One such frame is enough to break a connection, or it takes many: then it is counted.
    if code == Some(PROTOCOL_ERROR) { Ok(()) } else { fired(proxy, "abuse").await }
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_end_the_connection() {
    let mut verdicts = Verdicts::default();
    let open = |number: u32| headers(stream(number), END_STREAM, &get("/bad"));
    let begun = |number: u32, more: Vec<u8>| {
        let first = if number == 0 { headers(1, 0, &post("/bad")) } else { Vec::new() };
        [first, more].concat()
    };
    let half = move |number: u32, rest: &[u8]| {
        let whole = block(&get("/bad"));
        let first = if number == 0 { frame(HEADERS, END_STREAM, 1, &whole) } else { Vec::new() };
        [first, frame(CONTINUATION, 0, 1, rest)].concat()
    };
    let floods: Vec<(&str, Piece)> = vec![
        ("rapid reset", Box::new(move |it| [open(it), reset(stream(it))].concat())),
        ("pings", Box::new(|_| frame(PING, 0, 0, &[0; 8]))),
        ("answers to no ping", Box::new(|_| frame(PING, ACK, 0, &[0; 8]))),
        ("settings", Box::new(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]))),
        ("priorities", Box::new(|it| frame(PRIORITY, 0, stream(it), &[0, 0, 0, 0, 1]))),
        ("windows", Box::new(|_| window(0, 1))),
        ("unknown frames", Box::new(|_| frame(0xbe, 0, 0, &[0; 8]))),
        ("empty data", Box::new(move |it| begun(it, data(1, 0, "")))),
        ("padding alone", Box::new(move |it| begun(it, frame(0, 0x8, 1, &[1, 0])))),
        ("empty CONTINUATION", Box::new(move |it| half(it, &[]))),
        ("CONTINUATION with fields", Box::new(move |it| half(it, &block(&[("a", "b")])))),
        (
            "windows of nothing (MadeYouReset)",
            Box::new(move |it| [open(it), window(stream(it), 0)].concat()),
        ),
        (
            "windows that overflow (MadeYouReset)",
            Box::new(move |it| [open(it), window(stream(it), 0x7fff_ffff)].concat()),
        ),
        (
            "data after the end (MadeYouReset)",
            Box::new(move |it| [open(it), data(stream(it), 0, "x")].concat()),
        ),
        (
            "a priority on itself (MadeYouReset)",
            Box::new(move |it| {
                let own = [&stream(it).to_be_bytes()[..], &[1]].concat();
                [open(it), frame(PRIORITY, 0, stream(it), &own)].concat()
            }),
        ),
        (
            "malformed requests",
            Box::new(|it| headers(stream(it), END_STREAM, &[&get("/bad")[..], &get("/")].concat())),
        ),
    ];
    for (name, piece) in floods {
        let origin = Origin::plain().await;
        let proxy = h2c(&origin, "").await;
        let verdict = is_bounded(&proxy, &origin, piece, 300).await;
        verdicts.add(name, verdict);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// Each request is at the origin before it is taken back, so that no queue of ours is ever long.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_one_by_one_end_the_connection_too() {
    let origin = Origin::scripted(|_| vec![Step::Silence]).await;
    let proxy = h2c(&origin, "").await;
    let mut client = Client::connect(proxy.address()).await;
    let begin = std::time::Instant::now();
    let mut sent = 0;
    while sent < 5_000 && !client.has_ended() {
        client.send(headers(stream(sent), END_STREAM, &get("/taken-back"))).await;
        let arrived = origin.arrives(sent as usize + 1);
        tokio::select! {
            () = arrived => client.send(reset(stream(sent))).await,
            _ = client.ends() => break,
        }
        sent += 1;
    }
    let borne = 200.0 + 20.0 * begin.elapsed().as_secs_f64() + 1.0;
    assert!(f64::from(sent) <= borne, "{sent} in {:?}", begin.elapsed());
    fired(&proxy, "abuse").await.unwrap();
    proxy.stop().await;
}

/// Somebody who reads, and takes a request back now and then, is no attacker.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_some_requests_back_is_served() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut client = Client::connect(proxy.address()).await;
    for number in 0..600 {
        let (one, other) = (stream(2 * number), stream(2 * number + 1));
        let pair = [headers(one, END_STREAM, &get("/a")), headers(other, END_STREAM, &get("/b"))];
        client.send(pair.concat()).await;
        assert_eq!(client.outcome(one).await, answer(200, "/a"), "{number}");
        client.send(reset(other)).await;
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_are_refused_and_the_others_go_on() {
    let origin = Origin::start().await;
    let proxy = h2c(&origin, "limits = { streams = 5 }\n").await;
    let mut client = Client::connect(proxy.address()).await;
    let open = |it| headers(stream(it), END_STREAM, &get("/slow"));
    client.send((0..5).flat_map(open).collect::<Vec<_>>()).await;
    let mut servers = Vec::new();
    for _ in 0..5 {
        let mut server = origin.accept().await.unwrap();
        server.head().await.unwrap();
        servers.push(server);
    }
    client.send((5..8).flat_map(open).collect::<Vec<_>>()).await;
    for number in 5..8 {
        assert_eq!(client.outcome(stream(number)).await, Outcome::Reset(REFUSED_STREAM));
    }
    for server in &mut servers {
        server.send(ok("done")).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let frame = client.next().await.unwrap();
        if frame.kind == HEADERS {
            assert_eq!(frame.status(), 200);
            seen.push(frame.stream);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 3, 5, 7, 9]);
    proxy.stop().await;
}

/// The sizes of a head are those of HTTP/1.1, and are counted and logged as there.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused_by_its_name() {
    let mut verdicts = Verdicts::default();
    let path = |length: usize| format!("/{}", "a".repeat(length - "GET / HTTP/1.1".len()));
    let value = "v".repeat(1000);
    let many = |count: usize| vec![("x", "y"); count];
    let (short, long) = (path(100), path(101));
    for (limits, name, status, fine, too_much) in [
        ("request_line = \"100B\"", "request_line", 414, get(&short).to_vec(), get(&long).to_vec()),
        (
            "head = \"1KiB\"",
            "limits.head",
            431,
            [&get("/")[..], &[("x", &value[..900])]].concat(),
            [&get("/")[..], &[("x", &value)]].concat(),
        ),
        (
            "fields = 5",
            "fields",
            431,
            [&get("/")[..], &many(5)].concat(),
            [&get("/")[..], &many(6)].concat(),
        ),
    ] {
        let origin = Origin::plain().await;
        let proxy = h2c(&origin, &format!("limits = {{ {limits} }}\n")).await;
        let verdict = async {
            let mut client = Client::connect(proxy.address()).await;
            let seen = client.ask(1, &fine).await;
            holds(matches!(seen, Outcome::Answer { status: 200, .. }), || format!("{seen:?}"))?;
            let arrived = origin.bytes().len();
            let seen = client.ask(3, &too_much).await;
            let refused = matches!(seen, Outcome::Answer { status: it, .. } if it == status);
            holds(refused, || format!("{seen:?}"))?;
            same("what arrived", &origin.bytes().len(), &arrived)?;
            fired(&proxy, name).await
        };
        verdicts.add(name, verdict.await);
        proxy.stop().await;
    }
    verdicts.conclude();
}

/// Far above the limit, h2 answers by itself, and ends what would not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_measure_is_never_kept() {
    let origin = Origin::plain().await;
    let proxy = h2c(&origin, "").await;
    let mut client = Client::connect(proxy.address()).await;
    let value = "v".repeat(16_000);
    let sent = client
        .flood(2_000, |number| {
            let more = block(&[("x", &value)]);
            let first = frame(HEADERS, END_STREAM, 1, &block(&get("/bad")));
            let next = frame(CONTINUATION, 0, 1, &more);
            if number == 0 { [first, next].concat() } else { next }
        })
        .await
        .unwrap();
    // The kernel holds some of it; we hold a small multiple of `limits.head`.
    assert!(sent.0 < 1_500, "{sent:?}");
    assert!(origin.bytes().is_empty());
    proxy.stop().await;
}

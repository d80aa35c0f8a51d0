//! What is read of the PROXY protocol's two versions, and what is refused.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use super::*;

/// A header of version 2.
fn block(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, payload].concat()
}

/// The addresses and ports of version 2, as the specification lays them out.
fn addresses(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let octets = |it: SocketAddr| match it.ip() {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    };
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    [octets(source), octets(destination), ports].concat()
}

fn whole(bytes: &[u8]) -> Option<SocketAddr> {
    let header = parse(bytes).unwrap().unwrap();
    assert_eq!(header.length, bytes.len());
    header.source
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_line_names_the_client() {
    assert_eq!(
        whole(b"PROXY TCP4 192.168.0.1 10.0.0.1 56324 443\r\n"),
        Some(address("192.168.0.1:56324"))
    );
    assert_eq!(whole(b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), Some(address("[2001:db8::1]:0")));
    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let line = format!("PROXY TCP6 {longest} {longest} 65535 65535\r\n");
    assert_eq!(whole(line.as_bytes()), Some(address(&format!("[{longest}]:65535"))));
}

#[test]
fn a_client_that_is_not_known_is_the_peer() {
    assert_eq!(whole(b"PROXY UNKNOWN\r\n"), None);
    assert_eq!(whole(b"PROXY UNKNOWN \xff what\never\r it is\r\n"), None);
    assert_eq!(whole(&block(0x20, 0x11, b"short")), None, "LOCAL, whose family is ignored");
    assert_eq!(whole(&block(0x20, 0xff, b"")), None);
    assert_eq!(whole(&block(0x21, 0x00, b"anything")), None);
    assert_eq!(whole(&block(0x21, 0x31, &[b'/'; 216])), None, "a Unix socket");
}

#[test]
fn a_block_names_the_client_before_its_extensions() {
    let (client, server) = (address("192.168.0.1:56324"), address("10.0.0.1:443"));
    let mut payload = addresses(client, server);
    assert_eq!(whole(&block(0x21, 0x11, &payload)), Some(client));
    payload.extend_from_slice(b"\x02\x00\x09shop.test");
    assert_eq!(whole(&block(0x21, 0x11, &payload)), Some(client));
    let (client, server) = (address("[2001:db8::1]:1"), address("[2001:db8::2]:2"));
    assert_eq!(whole(&block(0x21, 0x21, &addresses(client, server))), Some(client));
}

#[test]
fn an_ipv4_client_within_ipv6_is_an_ipv4_client() {
    let client = Some(address("192.168.0.1:9"));
    assert_eq!(whole(b"PROXY TCP6 ::ffff:192.168.0.1 ::1 9 80\r\n"), client);
    let payload = addresses(address("[::ffff:192.168.0.1]:9"), address("[::1]:80"));
    assert_eq!(whole(&block(0x21, 0x21, &payload)), client);
}

#[test]
fn lines_beyond_the_specification_are_refused() {
    for line in [
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
        "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n",
        "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP6 [::1] [::1] 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4\u{0} 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY \r\n",
    ] {
        let read = parse(line.as_bytes());
        assert!(matches!(read, Err(ProxyProtocolError::Malformed(_))), "{line:?}: {read:?}");
    }
}

#[test]
fn a_line_has_107_bytes_at_most() {
    let line = |filling| format!("PROXY UNKNOWN {}\r\n", "x".repeat(filling));
    assert_eq!(line(91).len(), LINE_LIMIT);
    assert_eq!(whole(line(91).as_bytes()), None);
    assert!(matches!(parse(line(92).as_bytes()), Err(ProxyProtocolError::Malformed(_))));
}

#[test]
fn blocks_beyond_the_specification_are_refused() {
    let tcp4 = addresses(address("1.2.3.4:1"), address("1.2.3.4:2"));
    for (command, family, payload) in [
        (0x11, 0x11, &tcp4[..]), // no such version
        (0x01, 0x11, &tcp4[..]),
        (0x22, 0x11, &tcp4[..]), // no such command
        (0x21, 0x12, &tcp4[..]), // a datagram
        (0x21, 0x10, &tcp4[..]),
        (0x21, 0x41, &tcp4[..]), // no such family
        (0x21, 0x11, &tcp4[..11]),
        (0x21, 0x21, &[0; 35]),
        (0x21, 0x31, &[0; 215]),
    ] {
        let read = parse(&block(command, family, payload));
        let case = format!("{command:x} {family:x} {}", payload.len());
        assert!(matches!(read, Err(ProxyProtocolError::Malformed(_))), "{case}: {read:?}");
    }
}

#[test]
fn a_block_that_is_too_long_is_refused_at_its_length() {
    let longest = block(0x20, 0, &[0; BLOCK_LIMIT - BLOCK_HEAD]);
    assert_eq!(whole(&longest), None);
    let longer = block(0x20, 0, &[0; BLOCK_LIMIT - BLOCK_HEAD + 1]);
    let read = parse(&longer[..BLOCK_HEAD]);
    assert!(matches!(read, Err(ProxyProtocolError::TooLong(4097))), "{read:?}");
}

#[test]
fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
    for bytes in [b"GET / HTTP/1.1\r\n".as_slice(), b"PROXYx", b"p", b"\r\nG", b"\x16\x03\x01"] {
        assert!(matches!(parse(bytes), Err(ProxyProtocolError::Missing)), "{bytes:?}");
    }
}

/// What `read` makes of `bytes` and a closed connection, and how many bytes it took.
async fn read_from(
    bytes: &[u8],
) -> (Result<(Option<SocketAddr>, Bytes), ProxyProtocolError>, usize) {
    let mut rest = bytes;
    let read = read(&mut rest).await;
    (read, bytes.len() - rest.len())
}

#[tokio::test]
async fn what_follows_the_header_is_handed_back() {
    let request = b"GET / HTTP/1.1\r\n".repeat(20);
    let line = b"PROXY UNKNOWN\r\n".as_slice();
    let (read, taken) = read_from(&[line, &request].concat()).await;
    assert_eq!(taken, LINE_LIMIT);
    assert_eq!(read.unwrap().1, request[..LINE_LIMIT - line.len()]);

    let long = block(0x20, 0, &[0; 500]);
    let (read, taken) = read_from(&[&long, &request[..]].concat()).await;
    assert_eq!((read.unwrap().1.len(), taken), (0, long.len()));
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_read() {
    let header = b"PROXY TCP4 192.168.0.1 10.0.0.1 56324 443\r\n".as_slice();
    let (mut sender, mut receiver) = tokio::io::duplex(1);
    let (sent, read) = tokio::join!(sender.write_all(header), read(&mut receiver));
    sent.unwrap();
    let (client, rest) = read.unwrap();
    assert_eq!((client, rest.as_ref()), (Some(address("192.168.0.1:56324")), b"".as_slice()));
}

#[tokio::test]
async fn a_connection_that_ends_early_is_refused() {
    assert!(matches!(read_from(b"").await.0, Err(ProxyProtocolError::Closed)));
    let block = block(0x21, 0x11, &[0; 12]);
    for whole in [b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n".as_slice(), &block] {
        for length in 1..whole.len() {
            let (read, _) = read_from(&whole[..length]).await;
            assert!(matches!(read, Err(ProxyProtocolError::Truncated)), "{length}: {read:?}");
        }
    }
}

#[tokio::test]
async fn no_more_is_read_of_garbage_than_a_line() {
    for garbage in [b"PROXY ".as_slice(), b"", SIGNATURE] {
        let (read, taken) = read_from(&[garbage, &[b'x'; 10_000]].concat()).await;
        assert!(read.is_err());
        assert!(taken <= LINE_LIMIT, "{taken} bytes for {garbage:?}");
    }
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let noise = || prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        noise(),
        noise().prop_map(|it| [SIGNATURE, &it].concat()),
        (0x1f_u8..0x23, any::<u8>(), noise()).prop_map(|it| block(it.0, it.1, &it.2)),
        "PROXY (TCP4|TCP6|UNKNOWN)?[ 0-9a-f:.\r\n]{0,100}".prop_map(String::into_bytes),
    ]
}

/// Two of them, and 4 or 6.
fn addresses_of_one_family() -> impl Strategy<Value = (SocketAddr, SocketAddr, u8)> {
    let v4 = || any::<(Ipv4Addr, u16)>().prop_map(SocketAddr::from);
    let v6 = || any::<(Ipv6Addr, u16)>().prop_map(SocketAddr::from);
    prop_oneof![(v4(), v4(), Just(4)), (v6(), v6(), Just(6))]
}

proptest! {
    #[test]
    fn every_client_reads_back(client in addresses_of_one_family(), extension in "[a-z]{0,9}") {
        let (source, destination, family) = client;
        let (name, code) = if family == 6 { ("TCP6", 0x21) } else { ("TCP4", 0x11) };
        let (to, port) = (destination.ip(), source.port());
        let line = format!("PROXY {name} {} {to} {port} {}\r\n", source.ip(), destination.port());
        let expected = Some(SocketAddr::new(source.ip().to_canonical(), port));
        prop_assert_eq!(whole(line.as_bytes()), expected);
        let payload = [addresses(source, destination), extension.into_bytes()].concat();
        prop_assert_eq!(whole(&block(0x21, code, &payload)), expected);
    }

    /// What has come says "more", an error or a header; no later byte takes back the last two.
    #[test]
    fn it_does_not_matter_in_which_pieces_a_header_arrives(bytes in anything()) {
        let whole = format!("{:?}", parse(&bytes));
        for length in 0..bytes.len() {
            match parse(&bytes[..length]) {
                Ok(None) => {}
                early => prop_assert_eq!(format!("{:?}", early), whole.as_str()),
            }
        }
    }
}

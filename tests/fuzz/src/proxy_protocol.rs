//! The PROXY protocol's header, with which a connection begins.

use proxy::proxy_protocol::{parse, read};

/// It means the same in whatever pieces it arrives, and what is handed back is what follows it.
pub(crate) fn header(input: &[u8]) {
    let whole = parse(input);
    for length in 0..input.len() {
        match parse(&input[..length]) {
            Ok(None) => {}
            early => assert_eq!(format!("{early:?}"), format!("{whole:?}"), "of {length} bytes"),
        }
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let mut rest = input;
    let connection = runtime.block_on(read(&mut rest));
    let taken = input.len() - rest.len();
    match (whole, connection) {
        (Ok(Some(header)), Ok((source, beyond))) => {
            assert_eq!(source, header.source);
            assert_eq!(beyond, input[header.length..taken]);
            assert!(taken <= header.length.max(107), "{taken} bytes are taken");
        }
        (Ok(None) | Err(_), Err(_)) => assert!(taken <= 4096, "{taken} bytes are taken"),
        (whole, connection) => panic!("{whole:?}, but {connection:?}"),
    }
}

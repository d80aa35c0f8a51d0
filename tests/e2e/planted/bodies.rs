//! Mistakes in a body's bytes, whatever it says.

use std::io::Write as _;

use bytes::Bytes;
use extracted::Reply;
use flate2::{Compression, write::GzEncoder};
use shadow::{
    Class::{Cosmetic, Critical},
    DifferenceKind::{Changed, Extra, Missing, Retyped},
};

use super::plant::{
    Asked::{Absent, Page, Product},
    Plant, append, swap,
};

pub(super) const PLANTS: &[Plant] = &[
    Plant {
        name: "latin-1-bytes",
        asked: Product,
        spoil: in_latin_1,
        found: &[("$", Retyped, Critical)],
    },
    Plant {
        name: "latin-1-page",
        asked: Page,
        spoil: in_latin_1,
        found: &[("body", Changed, Critical)],
    },
    Plant {
        name: "byte-order-mark",
        asked: Product,
        spoil: |it| it.body = [b"\xef\xbb\xbf", &it.body[..]].concat().into(),
        found: &[("$", Retyped, Critical)],
    },
    Plant {
        name: "trailing-bytes",
        asked: Product,
        spoil: |it| it.body = [&it.body[..], b"0\r\n\r\n"].concat().into(),
        found: &[("$", Retyped, Critical)],
    },
    Plant {
        name: "cut-off",
        asked: Product,
        spoil: |it| it.body.truncate(it.body.len() - 1),
        found: &[("$", Retyped, Critical)],
    },
    Plant {
        name: "page-cut-off",
        asked: Page,
        spoil: |it| {
            let end = it.body.windows(8).position(|it| it == b"</table>").unwrap();
            it.body.truncate(end);
        },
        found: &[
            (":root > body > footer", Missing, Critical),
            (":root > body > main > h2", Missing, Critical),
            (":root > body > main > ul", Missing, Critical),
        ],
    },
    Plant {
        name: "nothing",
        asked: Product,
        spoil: |it| it.body = Bytes::new(),
        found: &[("body", Missing, Critical)],
    },
    Plant {
        name: "an-object-of-nothing",
        asked: Absent,
        spoil: |it| it.body = Bytes::from_static(b"{}"),
        found: &[("$.error", Missing, Critical)],
    },
    Plant {
        name: "gzip",
        asked: Product,
        spoil: gzip,
        found: &[("headers.content-encoding", Extra, Cosmetic)],
    },
    Plant {
        name: "gzip-of-something-else",
        asked: Product,
        spoil: |it| {
            swap(it, r#""currency":"EUR""#, r#""currency":"USD""#);
            gzip(it);
        },
        found: &[("$.currency", Changed, Critical), ("headers.content-encoding", Extra, Cosmetic)],
    },
    Plant {
        name: "gzip-in-name-alone",
        asked: Product,
        spoil: |it| append(it, "content-encoding", "gzip"),
        found: &[("body", Changed, Critical), ("headers.content-encoding", Extra, Cosmetic)],
    },
];

fn in_latin_1(reply: &mut Reply) {
    let text = str::from_utf8(&reply.body).unwrap();
    reply.body = text.chars().map(|it| u8::try_from(it).unwrap_or(b'?')).collect();
}

fn gzip(reply: &mut Reply) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&reply.body).unwrap();
    reply.body = encoder.finish().unwrap().into();
    append(reply, "content-encoding", "gzip");
}

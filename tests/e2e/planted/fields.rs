//! Mistakes in the status, the header fields and the cookies.

use http::{HeaderValue, StatusCode};
use shadow::{
    Class::{Cosmetic, Critical},
    DifferenceKind::{Changed, Extra, Missing},
};

use super::plant::{
    Asked::{Absent, Order, Page, Product, Session},
    Plant, append, remove, swap_in_field,
};

const SESSION: &str = "headers.set-cookie._shop_session";

pub(super) const PLANTS: &[Plant] = &[
    // Status.
    Plant {
        name: "created-for-ok",
        asked: Product,
        spoil: |it| it.status = StatusCode::CREATED,
        found: &[("status", Changed, Critical)],
    },
    Plant {
        name: "found-for-absent",
        asked: Absent,
        spoil: |it| it.status = StatusCode::OK,
        found: &[("status", Changed, Critical)],
    },
    Plant {
        name: "another-redirect",
        asked: Order,
        spoil: |it| it.status = StatusCode::SEE_OTHER,
        found: &[("status", Changed, Critical)],
    },
    // Where to.
    Plant {
        name: "to-another-host",
        asked: Order,
        spoil: |it| swap_in_field(it, "location", "http://", "http://www."),
        found: &[("headers.location", Changed, Critical)],
    },
    Plant {
        name: "to-another-page",
        asked: Order,
        spoil: |it| swap_in_field(it, "location", "/login", "/signup"),
        found: &[("headers.location", Changed, Critical)],
    },
    Plant {
        name: "to-a-path-alone",
        asked: Order,
        spoil: |it| {
            it.headers.insert("location", HeaderValue::from_static("/login"));
        },
        found: &[("headers.location", Changed, Critical)],
    },
    // What it is, and who may keep it.
    Plant {
        name: "another-charset",
        asked: Product,
        spoil: |it| swap_in_field(it, "content-type", "utf-8", "iso-8859-1"),
        found: &[("headers.content-type", Changed, Critical)],
    },
    Plant {
        name: "no-charset",
        asked: Page,
        spoil: |it| swap_in_field(it, "content-type", "; charset=utf-8", ""),
        found: &[("headers.content-type", Changed, Critical)],
    },
    Plant {
        name: "vary-left-out",
        asked: Page,
        spoil: |it| remove(it, "vary"),
        found: &[("headers.vary", Missing, Critical)],
    },
    Plant {
        name: "vary-in-another-order",
        asked: Page,
        spoil: |it| {
            swap_in_field(it, "vary", "Accept, X-Requested-With", "x-requested-with,Accept");
        },
        found: &[],
    },
    Plant {
        name: "public",
        asked: Product,
        spoil: |it| swap_in_field(it, "cache-control", "private", "public"),
        found: &[("headers.cache-control", Changed, Critical)],
    },
    Plant {
        name: "cached-for-a-minute",
        asked: Page,
        spoil: |it| swap_in_field(it, "cache-control", "max-age=0", "max-age=60"),
        found: &[("headers.cache-control", Changed, Critical)],
    },
    Plant {
        name: "a-line-of-a-field-repeated",
        asked: Product,
        spoil: |it| append(it, "cache-control", "no-store"),
        found: &[("headers.cache-control", Changed, Critical)],
    },
    Plant {
        name: "strong-etag",
        asked: Product,
        spoil: |it| swap_in_field(it, "etag", "W/", ""),
        found: &[("headers.etag", Changed, Critical)],
    },
    Plant {
        name: "no-etag",
        asked: Product,
        spoil: |it| remove(it, "etag"),
        found: &[("headers.etag", Missing, Critical)],
    },
    Plant {
        name: "frames-allowed",
        asked: Page,
        spoil: |it| remove(it, "x-frame-options"),
        found: &[("headers.x-frame-options", Missing, Critical)],
    },
    Plant {
        name: "another-policy",
        asked: Page,
        spoil: |it| swap_in_field(it, "content-security-policy", "object-src 'none'; ", ""),
        found: &[("headers.content-security-policy", Changed, Critical)],
    },
    Plant {
        name: "a-field-too-many",
        asked: Product,
        spoil: |it| append(it, "x-debug", "on"),
        found: &[("headers.x-debug", Extra, Cosmetic)],
    },
    // The cookie.
    Plant {
        name: "for-scripts-too",
        asked: Page,
        spoil: |it| swap_in_field(it, "set-cookie", "; HttpOnly", ""),
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "for-one-path",
        asked: Page,
        spoil: |it| swap_in_field(it, "set-cookie", "path=/", "path=/products"),
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "for-other-sites",
        asked: Page,
        spoil: |it| swap_in_field(it, "set-cookie", "; SameSite=Lax", "; SameSite=None"),
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "for-a-day",
        asked: Page,
        spoil: |it| {
            let expires = "; expires=Tue, 24 Nov 2099 12:00:00 GMT; HttpOnly";
            swap_in_field(it, "set-cookie", "; HttpOnly", expires);
        },
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "taken-back-at-once",
        asked: Page,
        spoil: |it| swap_in_field(it, "set-cookie", "; HttpOnly", "; max-age=0; HttpOnly"),
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "under-another-name",
        asked: Page,
        spoil: |it| swap_in_field(it, "set-cookie", "_shop_session", "_shop_sessions"),
        found: &[
            (SESSION, Missing, Critical),
            ("headers.set-cookie._shop_sessions", Extra, Critical),
        ],
    },
    Plant {
        name: "another-cart-in-the-session",
        asked: Session,
        spoil: |_| (),
        found: &[(SESSION, Changed, Critical)],
    },
    Plant {
        name: "no-cookie",
        asked: Page,
        spoil: |it| remove(it, "set-cookie"),
        found: &[(SESSION, Missing, Critical)],
    },
    Plant {
        name: "one-cookie-twice",
        asked: Page,
        spoil: |it| append(it, "set-cookie", "_shop_session=; path=/"),
        found: &[(SESSION, Changed, Critical)],
    },
];

//! What buyers could have entered. Each canary says where it was planted, and sings wherever it is.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// In every canary of letters, and nowhere else.
const LETTERS: &str = "zqcanary";

/// In every canary of digits, and nowhere else.
const DIGITS: &str = "41742971";

/// How much of a surface is shown around a canary.
const AROUND: usize = 60;

pub(crate) fn name(place: &str) -> String {
    format!("Zqcanary{place} Quillfeather")
}

pub(crate) fn email(place: &str) -> String {
    format!("zqcanary.{place}@shop.test")
}

pub(crate) fn password(place: &str) -> String {
    format!("zqcanary-{place}-Pw1")
}

pub(crate) fn token(place: &str) -> String {
    format!("zqcanary{place}8hN2kq0Vw3Zt5LrX9")
}

/// A card that keeps Luhn's sum, whole and as people write it.
pub(crate) const CARD: [&str; 2] = ["4174297100000003", "4174 2971 0000 0003"];

pub(crate) const PHONE: &str = "+41 742 971 05 05";

pub(crate) fn address(place: &str) -> String {
    format!("7 Zqcanary{place} Street, Springfield")
}

/// One of each kind.
pub(crate) fn all(place: &str) -> String {
    let [card, written] = CARD;
    let kinds = [name(place), email(place), password(place), token(place), address(place)];
    format!("{}; {card}; {written}; {PHONE}", kinds.join("; "))
}

/// Looks for canaries in every form that they may have taken on their way.
pub(crate) struct Ear {
    forms: Vec<Vec<u8>>,
    digits: Vec<u8>,
}

impl Ear {
    /// It also hears these: what the shop made up for the buyer.
    pub(crate) fn new(secrets: &[String]) -> Self {
        let letters = LETTERS.as_bytes();
        let escaped =
            |write: fn(u8) -> String| -> String { letters.iter().map(|it| write(*it)).collect() };
        let forms: [String; 5] = [
            LETTERS.to_owned(),
            // The zeros between letters are those of either byte order.
            escaped(|it| format!("{}\0", char::from(it))).trim_end_matches('\0').to_owned(),
            hex::encode(letters),
            escaped(|it| format!("%{it:02x}")),
            escaped(|it| format!("&#{it};")),
        ];
        let forms = forms.into_iter().chain(base64()).chain(secrets.iter().cloned());
        let forms = forms.map(|it| it.to_ascii_lowercase().into_bytes()).collect();
        Self { forms, digits: DIGITS.as_bytes().to_vec() }
    }

    /// Where in the surface a canary sings.
    pub(crate) fn hear(&self, surface: &[u8]) -> Option<String> {
        let lower = surface.to_ascii_lowercase();
        let joins = |it: &u8| b" -./+()".contains(it);
        let unwritten: Vec<u8> = surface.iter().filter(|it| !joins(it)).copied().collect();
        let heard = self.forms.iter().map(|it| (&lower, it)).chain([(&unwritten, &self.digits)]);
        heard.into_iter().find_map(|(surface, form)| {
            let at = surface.windows(form.len()).position(|it| it == &form[..])?;
            let end = surface.len().min(at + form.len() + AROUND);
            let around = &surface[at.saturating_sub(AROUND)..end];
            Some(String::from_utf8_lossy(around).into_owned())
        })
    }
}

/// The letters in Base64, as they look behind no byte, one and two, without the signs that are made
/// of neighbours too.
fn base64() -> impl Iterator<Item = String> {
    (0..3).map(|before| {
        let bytes = [&[0; 2][..before], LETTERS.as_bytes()].concat();
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        encoded[first..last].to_owned()
    })
}

#[test]
fn canaries_are_heard_in_every_form() {
    let ear = Ear::new(&["S3cret".to_owned()]);
    for place in ["a", "place"] {
        let email = email(place);
        let wide: Vec<u8> = email.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wide_be: Vec<u8> = email.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut surfaces = vec![wide, wide_be];
        surfaces.extend((0..3).map(|it| {
            let text = format!("{}{email}", &"xyz"[..it]);
            STANDARD_NO_PAD.encode(text).into_bytes()
        }));
        let texts = [hex::encode(&email), name(place), address(place), "s3cret".into()];
        surfaces.extend(texts.map(String::into_bytes));
        surfaces.extend([CARD[0], CARD[1], PHONE].map(|it| it.as_bytes().to_vec()));
        for surface in surfaces {
            assert!(ear.hear(&surface).is_some(), "{}", String::from_utf8_lossy(&surface));
        }
    }
    assert_eq!(ear.hear(b"a zq and a canary"), None);
}

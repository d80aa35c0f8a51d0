//! Writing Marshal.

use crate::rails::{
    json,
    value::{BigInteger, Content, Encoding, Object, Text, Value},
};

/// `Marshal.dump`. What occurs twice is written twice but for symbols, where Ruby would link one
/// object that stands in two places: loading it gives equal values.
pub fn dump(value: &Value) -> Vec<u8> {
    let mut writer = Writer { bytes: vec![4, 8], symbols: Vec::new() };
    writer.value(value);
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    symbols: Vec<Text>,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Nil => self.bytes.push(b'0'),
            Value::Bool(true) => self.bytes.push(b'T'),
            Value::Bool(false) => self.bytes.push(b'F'),
            Value::Integer(integer) => self.any_integer(*integer),
            Value::BigInteger(integer) => self.big_integer(integer),
            Value::Float(float) => {
                self.bytes.push(b'f');
                self.text(float_text(*float).as_bytes());
            }
            Value::Symbol(text) => self.symbol(text),
            Value::String(text) => self.string(None, text, &[]),
            Value::Array(elements) => {
                self.bytes.push(b'[');
                self.length(elements.len());
                for element in elements {
                    self.value(element);
                }
            }
            Value::Hash(hash) => {
                self.bytes.push(if hash.default.is_some() { b'}' } else { b'{' });
                self.length(hash.pairs.len());
                for (key, value) in &hash.pairs {
                    self.value(key);
                    self.value(value);
                }
                if let Some(default) = &hash.default {
                    self.value(default);
                }
            }
            Value::Object(object) => self.object(object),
        }
    }

    /// Beyond 31 bits an integer is written as a large one, whatever the machine.
    fn any_integer(&mut self, integer: i64) {
        const SMALL: std::ops::Range<i64> = -(1 << 30)..1 << 30;
        if SMALL.contains(&integer) {
            self.bytes.push(b'i');
            self.integer(integer);
        } else {
            let mut magnitude = integer.unsigned_abs().to_le_bytes().to_vec();
            while magnitude.ends_with(&[0, 0]) {
                magnitude.truncate(magnitude.len() - 2);
            }
            self.big_integer(&BigInteger { negative: integer < 0, magnitude });
        }
    }

    fn big_integer(&mut self, integer: &BigInteger) {
        self.bytes.extend([b'l', if integer.negative { b'-' } else { b'+' }]);
        self.length(integer.magnitude.len().div_ceil(2));
        self.bytes.extend(&integer.magnitude);
        if integer.magnitude.len() % 2 == 1 {
            self.bytes.push(0);
        }
    }

    fn string(&mut self, class: Option<&str>, text: &Text, variables: &[(Text, Value)]) {
        let named = usize::from(text.encoding != Encoding::Binary);
        let count = named + variables.len();
        if count > 0 {
            self.bytes.push(b'I');
        }
        if let Some(class) = class {
            self.class(b'C', class);
        }
        self.bytes.push(b'"');
        self.text(&text.bytes);
        if count > 0 {
            self.length(count);
            self.encoding(&text.encoding);
            self.variables(variables);
        }
    }

    fn encoding(&mut self, encoding: &Encoding) {
        let ascii = |name: &str| Text { bytes: name.into(), encoding: Encoding::UsAscii };
        match encoding {
            Encoding::Binary => {}
            Encoding::UsAscii | Encoding::Utf8 => {
                self.symbol(&ascii("E"));
                self.value(&Value::Bool(*encoding == Encoding::Utf8));
            }
            Encoding::Other(name) => {
                self.symbol(&ascii("encoding"));
                self.bytes.push(b'"');
                self.text(name);
            }
        }
    }

    /// ASCII symbols are told by their bytes alone; of others the encoding is part.
    fn symbol(&mut self, text: &Text) {
        let ascii = text.bytes.is_ascii();
        let same = |it: &Text| it.bytes == text.bytes && (ascii || it.encoding == text.encoding);
        if let Some(number) = self.symbols.iter().position(same) {
            self.bytes.push(b';');
            self.length(number);
            return;
        }
        self.symbols.push(text.clone());
        if ascii {
            self.bytes.push(b':');
            self.text(&text.bytes);
        } else {
            self.bytes.extend(b"I:");
            self.text(&text.bytes);
            self.length(usize::from(text.encoding != Encoding::Binary));
            self.encoding(&text.encoding);
        }
    }

    fn object(&mut self, object: &Object) {
        let Object { class, content, variables } = object;
        match content {
            Content::Variables => {
                self.class(b'o', class);
                self.length(variables.len());
                self.variables(variables);
            }
            Content::Inherited(Value::String(text)) => self.string(Some(class), text, variables),
            Content::Inherited(value) => self.around(variables, |it| {
                it.class(b'C', class);
                it.value(value);
            }),
            Content::Dumped(bytes) => self.around(variables, |it| {
                it.class(b'u', class);
                it.text(bytes);
            }),
            Content::MarshalDumped(value) => {
                self.class(b'U', class);
                self.value(value);
            }
        }
    }

    fn around(&mut self, variables: &[(Text, Value)], write: impl FnOnce(&mut Self)) {
        if variables.is_empty() {
            write(self);
        } else {
            self.bytes.push(b'I');
            write(self);
            self.length(variables.len());
            self.variables(variables);
        }
    }

    fn variables(&mut self, variables: &[(Text, Value)]) {
        for (name, value) in variables {
            self.symbol(name);
            self.value(value);
        }
    }

    fn class(&mut self, kind: u8, name: &str) {
        self.bytes.push(kind);
        self.symbol(&name.into());
    }

    fn text(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend(bytes);
    }

    fn length(&mut self, length: usize) {
        self.integer(i64::try_from(length).unwrap_or(i64::MAX));
    }

    /// `w_long`.
    fn integer(&mut self, integer: i64) {
        let bytes = integer.to_le_bytes();
        match integer {
            0 => self.bytes.push(0),
            1..=122 => self.bytes.push(bytes[0] + 5),
            -123..=-1 => self.bytes.push(bytes[0].wrapping_sub(5)),
            _ => {
                let (filler, sign) = if integer < 0 { (0xff, -1) } else { (0, 1) };
                let length = bytes.iter().rposition(|it| *it != filler).map_or(1, |last| last + 1);
                let marker = i8::try_from(length).unwrap_or(i8::MAX) * sign;
                self.bytes.push(marker.cast_unsigned());
                self.bytes.extend(&bytes[..length]);
            }
        }
    }
}

/// `w_float`: the shortest digits; plain while the point stands among them, or up to three zeros
/// before them.
fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    if float.is_infinite() {
        return format!("{sign}inf");
    }
    if float == 0.0 {
        return format!("{sign}0");
    }
    let (digits, point) = json::shortest(float.abs());
    let zeros = point.unsigned_abs();
    match point {
        -3..=0 => format!("{sign}0.{:0<zeros$}{digits}", ""),
        1.. if zeros == digits.len() => format!("{sign}{digits}"),
        1.. if zeros < digits.len() => {
            let (whole, fraction) = digits.split_at(zeros);
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{}", point - 1)
        }
    }
}

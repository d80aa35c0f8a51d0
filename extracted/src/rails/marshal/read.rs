//! Reading Marshal.

use super::{CACHE_ENTRY, CLASSES, MarshalError, is_marshal};
use crate::rails::value::{BigInteger, Content, Encoding, Hash, Object, Text, Value};

/// Bytes of input; a cookie has 4 KiB, and a session in Redis seldom more.
const MAX_BYTES: usize = 1 << 20;
/// Bytes of text and values that may be made of the input, with what its links repeat.
const MAX_MADE: usize = 16 << 20;
/// As deep as Ruby's JSON reads.
const MAX_DEPTH: usize = 100;
/// A hash is searched member by member.
const MAX_MEMBERS: usize = 10_000;

/// `Marshal.load`, for the values that [`Value`] knows. Objects that are linked become copies.
///
/// # Errors
/// [`MarshalError`] for anything else, for hostile sizes and depths, and for a value that holds
/// itself.
pub fn load(bytes: &[u8]) -> Result<Value, MarshalError> {
    Reader::new(bytes, &CLASSES)?.value()
}

/// As [`load`], of an `ActiveSupport::Cache::Entry`.
///
/// # Errors
/// As [`load`].
pub fn load_entry(bytes: &[u8]) -> Result<Value, MarshalError> {
    let classes = [&CLASSES[..], &[CACHE_ENTRY]].concat();
    Reader::new(bytes, &classes)?.value()
}

struct Reader<'a> {
    rest: &'a [u8],
    classes: &'a [&'a str],
    symbols: Vec<Text>,
    /// By the number that a link gives; `None` while an object is being read.
    objects: Vec<Option<Value>>,
    /// Nothing is kept for links when the input cannot have one.
    linked: bool,
    depth: usize,
    made: usize,
    copied: usize,
}

type Read<T> = Result<T, MarshalError>;

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], classes: &'a [&'a str]) -> Read<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(MarshalError::TooMuch("more than 1 MiB"));
        }
        if !is_marshal(bytes) {
            return Err(MarshalError::Version);
        }
        let rest = &bytes[2..];
        let linked = rest.contains(&b'@');
        let (symbols, objects) = (Vec::new(), Vec::new());
        Ok(Self { rest, classes, symbols, objects, linked, depth: 0, made: 0, copied: 0 })
    }

    fn value(&mut self) -> Read<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MarshalError::TooMuch("more than 100 levels"));
        }
        let value = self.typed()?;
        self.depth -= 1;
        Ok(value)
    }

    fn typed(&mut self) -> Read<Value> {
        self.make(size_of::<Value>())?;
        match self.byte()? {
            b'0' => Ok(Value::Nil),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'i' => Ok(Value::Integer(self.integer()?)),
            b':' => self.new_symbol(false).map(Value::Symbol),
            b';' => self.old_symbol().map(Value::Symbol),
            b'@' => self.link(),
            b'I' => self.with_variables(),
            kind => self.object(kind, &mut None),
        }
    }

    /// A string's, symbol's or object's type after `I`: its instance variables follow it.
    fn with_variables(&mut self) -> Read<Value> {
        match self.byte()? {
            b':' => self.new_symbol(true).map(Value::Symbol),
            kind => {
                let mut variables = Some(());
                let value = self.object(kind, &mut variables)?;
                // The others take theirs while they are read.
                if variables.is_some() {
                    return Err(MarshalError::Malformed("instance variables of what has none"));
                }
                Ok(value)
            }
        }
    }

    /// What can be linked. `variables` is taken by what reads its instance variables.
    fn object(&mut self, kind: u8, variables: &mut Option<()>) -> Read<Value> {
        let (number, before) = (self.objects.len(), self.made);
        if kind != b'u' {
            self.objects.push(None);
        }
        let value = match kind {
            b'f' => Value::Float(self.float()?),
            b'l' => self.big_integer()?,
            b'"' => self.string(variables)?,
            b'[' => self.array()?,
            b'{' | b'}' => self.hash(kind == b'}')?,
            b'C' => self.inherited(variables)?,
            b'o' => self.plain()?,
            b'u' => self.dumped(variables)?,
            b'U' => self.marshal_dumped()?,
            other => return Err(MarshalError::Type(char::from(other))),
        };
        let place = if kind == b'u' { self.objects.len() } else { number };
        if kind == b'u' {
            self.objects.push(None); // its variables are numbered before it
        }
        if self.linked {
            self.copy(self.made - before)?;
            self.objects[place] = Some(value.clone());
        }
        Ok(value)
    }

    fn link(&mut self) -> Read<Value> {
        let number = usize::try_from(self.integer()?).ok();
        let object = number.and_then(|it| self.objects.get(it));
        let object = object.ok_or(MarshalError::Malformed("a link to nothing"))?;
        let Some(value) = object else {
            return Err(MarshalError::TooMuch("a value that holds itself"));
        };
        let (value, weight) = (value.clone(), weight(value));
        self.make(weight)?;
        Ok(value)
    }

    fn string(&mut self, variables: &mut Option<()>) -> Read<Value> {
        let bytes = self.text()?;
        let mut text = Text { bytes, encoding: Encoding::Binary };
        if variables.take().is_some() {
            for (name, value) in self.variables()? {
                text.encoding = encoding(&name, &value)
                    .ok_or(MarshalError::Malformed("a string with instance variables"))?;
            }
        }
        Ok(Value::String(text))
    }

    fn array(&mut self) -> Read<Value> {
        let length = self.length()?;
        (0..length).map(|_| self.value()).collect::<Read<_>>().map(Value::Array)
    }

    fn hash(&mut self, has_default: bool) -> Read<Value> {
        let length = self.length()?;
        if length > MAX_MEMBERS {
            return Err(MarshalError::TooMuch("a hash of more than 10,000 members"));
        }
        let pairs = (0..length).map(|_| Ok((self.value()?, self.value()?))).collect::<Read<_>>()?;
        let default = if has_default { Some(Box::new(self.value()?)) } else { None };
        Ok(Value::Hash(Hash { pairs, default }))
    }

    /// A subclass of String, Array or Hash: the object is the inner one, and there is one number.
    fn inherited(&mut self, variables: &mut Option<()>) -> Read<Value> {
        let class = self.class()?;
        let had = variables.take().is_some();
        let mut content = match self.byte()? {
            b'"' => self.string(&mut None)?,
            b'[' => self.array()?,
            kind @ (b'{' | b'}') => self.hash(kind == b'}')?,
            other => return Err(MarshalError::Type(char::from(other))),
        };
        let mut others = if had { self.variables()? } else { Vec::new() };
        if let Value::String(text) = &mut content {
            others.retain(|(name, value)| match encoding(name, value) {
                Some(encoding) => {
                    text.encoding = encoding;
                    false
                }
                None => true,
            });
        }
        Ok(object(class, Content::Inherited(content), others))
    }

    fn plain(&mut self) -> Read<Value> {
        let class = self.class()?;
        let variables = self.variables()?;
        Ok(object(class, Content::Variables, variables))
    }

    fn dumped(&mut self, variables: &mut Option<()>) -> Read<Value> {
        let class = self.class()?;
        let content = Content::Dumped(self.text()?);
        let variables = if variables.take().is_some() { self.variables()? } else { Vec::new() };
        Ok(object(class, content, variables))
    }

    fn marshal_dumped(&mut self) -> Read<Value> {
        let class = self.class()?;
        let content = Content::MarshalDumped(self.value()?);
        Ok(object(class, content, Vec::new()))
    }

    fn variables(&mut self) -> Read<Vec<(Text, Value)>> {
        let length = self.length()?;
        (0..length).map(|_| Ok((self.symbol()?, self.value()?))).collect()
    }

    fn class(&mut self) -> Read<String> {
        let name = self.symbol()?.bytes;
        let name = String::from_utf8_lossy(&name);
        if self.classes.contains(&&*name) {
            return Ok(name.into_owned());
        }
        Err(MarshalError::Class(name.chars().take(100).collect()))
    }

    fn symbol(&mut self) -> Read<Text> {
        match self.byte()? {
            b':' => self.new_symbol(false),
            b';' => self.old_symbol(),
            b'I' if self.byte()? == b':' => self.new_symbol(true),
            _ => Err(MarshalError::Malformed("a name that is no symbol")),
        }
    }

    fn new_symbol(&mut self, has_encoding: bool) -> Read<Text> {
        let text = Text { bytes: self.text()?, encoding: Encoding::UsAscii };
        let number = self.symbols.len();
        self.symbols.push(text);
        if has_encoding {
            for (name, value) in self.variables()? {
                self.symbols[number].encoding = encoding(&name, &value)
                    .ok_or(MarshalError::Malformed("a symbol with instance variables"))?;
            }
        }
        Ok(self.symbols[number].clone())
    }

    fn old_symbol(&mut self) -> Read<Text> {
        let number = usize::try_from(self.integer()?).ok();
        let symbol = number.and_then(|it| self.symbols.get(it)).cloned();
        let symbol = symbol.ok_or(MarshalError::Malformed("a link to no symbol"))?;
        self.make(symbol.bytes.len())?;
        Ok(symbol)
    }

    fn float(&mut self) -> Read<f64> {
        let text = self.text()?;
        let text = std::str::from_utf8(&text).ok();
        let float = text.and_then(|it| it.parse().ok());
        float.ok_or(MarshalError::Malformed("a float"))
    }

    /// A sign, a length in units of two bytes, and the digits.
    fn big_integer(&mut self) -> Read<Value> {
        let negative = match self.byte()? {
            b'+' => false,
            b'-' => true,
            _ => return Err(MarshalError::Malformed("an integer's sign")),
        };
        let words = usize::try_from(self.integer()?).ok();
        let length = words.and_then(|it| it.checked_mul(2));
        let magnitude = self.take(length.ok_or(MarshalError::Truncated)?)?.to_vec();
        Ok(small(negative, &magnitude)
            .map_or_else(|| Value::BigInteger(BigInteger { negative, magnitude }), Value::Integer))
    }

    fn text(&mut self) -> Read<Vec<u8>> {
        let length = usize::try_from(self.integer()?).map_err(|_| MarshalError::Truncated)?;
        self.make(length)?;
        self.take(length).map(ToOwned::to_owned)
    }

    /// Of an array or hash. Each element has a byte at least, so that nothing is made room for that
    /// cannot come.
    fn length(&mut self) -> Read<usize> {
        let length = usize::try_from(self.integer()?).ok();
        length.filter(|it| *it <= self.rest.len()).ok_or(MarshalError::Truncated)
    }

    /// `r_long`: one byte for -123 to 122, or the number of bytes that follow, negated for what is
    /// below zero.
    fn integer(&mut self) -> Read<i64> {
        let first = i64::from(self.byte()?.cast_signed());
        let (length, filler) = match first {
            0 => return Ok(0),
            5.. => return Ok(first - 5),
            ..=-5 => return Ok(first + 5),
            1..=4 => (first.unsigned_abs(), 0),
            -4..=-1 => (first.unsigned_abs(), 0xff),
        };
        let mut bytes = [filler; 8];
        for byte in bytes.iter_mut().take(usize::try_from(length).unwrap_or(0)) {
            *byte = self.byte()?;
        }
        Ok(i64::from_le_bytes(bytes))
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(MarshalError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn make(&mut self, bytes: usize) -> Read<()> {
        self.made = self.made.saturating_add(bytes);
        self.affordable()
    }

    fn copy(&mut self, bytes: usize) -> Read<()> {
        self.copied = self.copied.saturating_add(bytes);
        self.affordable()
    }

    fn affordable(&self) -> Read<()> {
        let total = self.made.saturating_add(self.copied);
        if total <= MAX_MADE { Ok(()) } else { Err(MarshalError::TooMuch("more than 16 MiB")) }
    }
}

fn object(class: String, content: Content, variables: Vec<(Text, Value)>) -> Value {
    Value::Object(Box::new(Object { class, content, variables }))
}

/// What the instance variable says of the encoding, if it is one that does.
fn encoding(name: &Text, value: &Value) -> Option<Encoding> {
    match (name.bytes.as_slice(), value) {
        (b"E", Value::Bool(true)) => Some(Encoding::Utf8),
        (b"E", Value::Bool(false)) => Some(Encoding::UsAscii),
        (b"encoding", Value::String(name)) => Some(Encoding::Other(name.bytes.clone())),
        _ => None,
    }
}

/// The integer, when 64 bits hold it.
fn small(negative: bool, magnitude: &[u8]) -> Option<i64> {
    let digits = magnitude.iter().rposition(|it| *it != 0).map_or(0, |last| last + 1);
    let mut bytes = [0; 16];
    bytes.get_mut(..digits).filter(|it| it.len() <= 8)?.copy_from_slice(&magnitude[..digits]);
    let absolute = i128::from_le_bytes(bytes);
    i64::try_from(if negative { -absolute } else { absolute }).ok()
}

/// About how many bytes a copy takes.
fn weight(value: &Value) -> usize {
    let inner = match value {
        Value::String(text) | Value::Symbol(text) => text.bytes.len(),
        Value::BigInteger(integer) => integer.magnitude.len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Hash(hash) => {
            let pairs: usize = hash.pairs.iter().map(|(key, it)| weight(key) + weight(it)).sum();
            pairs + hash.default.as_deref().map_or(0, weight)
        }
        Value::Object(object) => {
            let content = match &object.content {
                Content::Variables => 0,
                Content::Dumped(bytes) => bytes.len(),
                Content::Inherited(value) | Content::MarshalDumped(value) => weight(value),
            };
            content + object.variables.iter().map(|(_, it)| weight(it)).sum::<usize>()
        }
        _ => 0,
    };
    inner + size_of::<Value>()
}

//! A Ruby value as sessions and cookies hold it: what JSON knows, and what Marshal knows beyond.

mod json;

/// One value. Hashes keep their order, and strings their encoding, so that what is read and not
/// touched is written back as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An `Integer` of at most 64 bits.
    Integer(i64),
    /// A larger `Integer`; only Marshal holds one.
    BigInteger(BigInteger),
    /// A `Float`.
    Float(f64),
    /// A `Symbol`; JSON makes a string of it.
    Symbol(Text),
    /// A `String`.
    String(Text),
    /// An `Array`.
    Array(Vec<Value>),
    /// A `Hash`.
    Hash(Hash),
    /// An object of a class that is known to be harmless; only Marshal holds one.
    Object(Box<Object>),
}

/// The bytes of a string or symbol, and what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As they are; not necessarily valid in their encoding.
    pub bytes: Vec<u8>,
    /// How Ruby reads them.
    pub encoding: Encoding,
}

/// A Ruby encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    /// `ASCII-8BIT`.
    Binary,
    /// `US-ASCII`.
    UsAscii,
    /// `UTF-8`.
    Utf8,
    /// Any other, by its Ruby name.
    Other(Vec<u8>),
}

/// An integer of more than 64 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BigInteger {
    /// Below zero.
    pub negative: bool,
    /// The absolute value, least significant byte first, of even length.
    pub magnitude: Vec<u8>,
}

/// A hash, in the order of insertion. Of a key there is one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hash {
    /// Keys and values.
    pub pairs: Vec<(Value, Value)>,
    /// What `Hash.new(default)` was given.
    pub default: Option<Box<Value>>,
}

/// An object of a class that [`super::marshal`] lets pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// `ActiveSupport::HashWithIndifferentAccess`.
    pub class: String,
    /// What it is made of.
    pub content: Content,
    /// Its instance variables, by name with `@`, or as Marshal names a dumped object's (`zone`).
    pub variables: Vec<(Text, Value)>,
}

/// What an object is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Its instance variables alone.
    Variables,
    /// A string, array or hash whose subclass it is.
    Inherited(Value),
    /// The bytes that its `_dump` returned.
    Dumped(Vec<u8>),
    /// What its `marshal_dump` returned.
    MarshalDumped(Value),
}

impl Value {
    /// The member of a hash under this string, or nothing; also of a `HashWithIndifferentAccess`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_hash()?.get(key)
    }

    /// The hash that it is, or inherits from.
    pub fn as_hash(&self) -> Option<&Hash> {
        match self {
            Self::Hash(hash) => Some(hash),
            Self::Object(object) => match &object.content {
                Content::Inherited(inherited) => inherited.as_hash(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The integer that it is.
    pub fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    /// The elements of the array that it is.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The text of a string or symbol, also of a `SafeBuffer`, when it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Symbol(text) => std::str::from_utf8(&text.bytes).ok(),
            Self::Object(object) => match &object.content {
                Content::Inherited(inherited) => inherited.as_str(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Neither `nil` nor `false`.
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }
}

impl Hash {
    /// The value under this string.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs.iter().find(|(name, _)| is_string(name, key)).map(|(_, value)| value)
    }

    /// Puts the value where the key stands, or at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.pairs.iter_mut().find(|(name, _)| is_string(name, key)) {
            Some((_, before)) => *before = value,
            None => self.pairs.push((key.into(), value)),
        }
    }

    /// Takes the key out, and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.pairs.iter().position(|(name, _)| is_string(name, key))?;
        Some(self.pairs.remove(at).1)
    }

    /// `stringify_keys`, for keys that are strings or symbols; of two that become one the later
    /// value stays, in the place of the earlier.
    #[must_use]
    pub fn with_string_keys(self) -> Self {
        let mut pairs: Vec<(Value, Value)> = Vec::with_capacity(self.pairs.len());
        for (key, value) in self.pairs {
            let key = if let Value::Symbol(text) = key { Value::String(text) } else { key };
            match pairs.iter_mut().find(|(name, _)| same_key(name, &key)) {
                Some((_, before)) => *before = value,
                None => pairs.push((key, value)),
            }
        }
        Self { pairs, default: None }
    }
}

fn is_string(key: &Value, wanted: &str) -> bool {
    matches!(key, Value::String(text) if text.bytes == wanted.as_bytes())
}

/// Two strings of ASCII are one key in Ruby, whatever their encodings.
fn same_key(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.bytes == other.bytes,
        _ => one == other,
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), encoding: Encoding::Utf8 }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Text { bytes: text.into_bytes(), encoding: Encoding::Utf8 })
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Value>) -> Self {
        Self::Array(elements)
    }
}

impl From<Hash> for Value {
    fn from(hash: Hash) -> Self {
        Self::Hash(hash)
    }
}

impl<'a> FromIterator<(&'a str, Value)> for Hash {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value)>>(members: I) -> Self {
        let mut hash = Self::default();
        for (key, value) in members {
            hash.set(key, value);
        }
        hash
    }
}

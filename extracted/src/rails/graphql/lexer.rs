//! The words of a query.
//!
//! Source: graphql 1.13, `language/lexer.rl`.

use super::{Position, Unread};

/// A word, by the gem's name for its kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) at: Position,
}

/// What no token begins with, as the gem's parser calls it.
const UNKNOWN: &str = "error";

const KEYWORDS: [(&str, &str); 19] = [
    ("directive", "DIRECTIVE"),
    ("enum", "ENUM"),
    ("extend", "EXTEND"),
    ("false", "FALSE"),
    ("fragment", "FRAGMENT"),
    ("implements", "IMPLEMENTS"),
    ("input", "INPUT"),
    ("interface", "INTERFACE"),
    ("mutation", "MUTATION"),
    ("null", "NULL"),
    ("on", "ON"),
    ("query", "QUERY"),
    ("repeatable", "REPEATABLE"),
    ("scalar", "SCALAR"),
    ("schema", "SCHEMA"),
    ("subscription", "SUBSCRIPTION"),
    ("true", "TRUE"),
    ("type", "TYPE"),
    ("union", "UNION"),
];

/// All words of the text, without comments.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Unread> {
    let mut lexer = Lexer { rest: text, at: Position { line: 1, column: 1 }, tokens: Vec::new() };
    while let Some(first) = lexer.rest.bytes().next() {
        lexer.word(first)?;
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    at: Position,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn word(&mut self, first: u8) -> Result<(), Unread> {
        match first {
            b'\n' | b'\r' => {
                self.skip(1);
                self.at = Position { line: self.at.line + 1, column: 1 };
            }
            b' ' | b',' | b'\t' => self.skip(1),
            b'#' => self.skip(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'_' | b'A'..=b'Z' | b'a'..=b'z' => self.name(),
            b'.' if self.rest.starts_with("...") => self.push("ELLIPSIS", 3),
            0x80.. => return Err(Unread("a query has a character that is not ASCII")),
            _ => self.push(punctuation(first), 1),
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        // A query is shorter than 4 GiB.
        self.at.column = self.at.column.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    fn push(&mut self, kind: &'static str, bytes: usize) {
        self.push_text(kind, self.rest[..bytes].to_owned(), bytes);
    }

    fn push_text(&mut self, kind: &'static str, text: String, bytes: usize) {
        self.tokens.push(Token { kind, text, at: self.at });
        self.skip(bytes);
    }

    fn name(&mut self) {
        let inside = |it: char| it == '_' || it.is_ascii_alphanumeric();
        let end = self.rest.find(|it| !inside(it)).unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        let keyword = KEYWORDS.iter().find(|it| it.0 == name);
        self.push(keyword.map_or("IDENTIFIER", |it| it.1), end);
    }

    fn number(&mut self) -> Result<(), Unread> {
        let bytes = self.rest.as_bytes();
        let sign = usize::from(bytes[0] == b'-');
        let whole = match bytes.get(sign) {
            Some(b'0') => sign + 1,
            Some(b'1'..=b'9') => sign + digits(&bytes[sign..]),
            _ => {
                self.push(UNKNOWN, 1);
                return Ok(());
            }
        };
        let mut end = whole;
        if bytes.get(end) == Some(&b'.') && digits(&bytes[end + 1..]) > 0 {
            end += 1 + digits(&bytes[end + 1..]);
        }
        let exponent = &bytes[end..];
        let letter = usize::from(matches!(exponent.first(), Some(b'e' | b'E')));
        let signed = letter + usize::from(matches!(exponent.get(letter), Some(b'+' | b'-')));
        let power = exponent.get(signed..).map_or(0, digits);
        if power > 0 {
            if letter == 0 {
                return Err(Unread("a number has an exponent without its letter"));
            }
            end += signed + power;
        }
        self.push(if end == whole { "INT" } else { "FLOAT" }, end);
        Ok(())
    }

    /// Strings on several lines and all that is no string are left to Ruby.
    fn string(&mut self) -> Result<(), Unread> {
        const ODD: Unread = Unread("a query has a text with unusual escapes, or without an end");
        if self.rest.starts_with("\"\"\"") {
            return Err(Unread("a query has a block string"));
        }
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        loop {
            match bytes.get(at).ok_or(ODD)? {
                b'"' => break,
                b'\\' => match bytes.get(at + 1).ok_or(ODD)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' => {
                        let hex = bytes.get(at + 2..at + 6).ok_or(ODD)?;
                        if !hex.iter().all(u8::is_ascii_hexdigit) {
                            return Err(ODD);
                        }
                        at += 6;
                    }
                    _ => return Err(ODD),
                },
                _ => at += 1,
            }
        }
        let text = unescaped(&self.rest[1..at]).ok_or(ODD)?;
        self.push_text("STRING", text, at + 1);
        Ok(())
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|it| it.is_ascii_digit()).count()
}

const fn punctuation(byte: u8) -> &'static str {
    match byte {
        b'{' => "LCURLY",
        b'}' => "RCURLY",
        b'(' => "LPAREN",
        b')' => "RPAREN",
        b'[' => "LBRACKET",
        b']' => "RBRACKET",
        b':' => "COLON",
        b'$' => "VAR_SIGN",
        b'@' => "DIR_SIGN",
        b'=' => "EQUALS",
        b'!' => "BANG",
        b'|' => "PIPE",
        b'&' => "AMP",
        _ => UNKNOWN,
    }
}

/// In two passes, as in the gem: `\\u0041` becomes `\u0041`, and that `A`. `None` for half of a
/// surrogate pair.
fn unescaped(text: &str) -> Option<String> {
    let mut once = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, characters.clone().next()) {
            ('\\', Some('u')) | (_, None) => once.push(character),
            ('\\', Some(escaped)) => {
                characters.next();
                once.push(match escaped {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
            }
            _ => once.push(character),
        }
    }
    let mut twice = String::with_capacity(once.len());
    let mut rest = once.as_str();
    while let Some((before, after)) = rest.split_once("\\u") {
        twice.push_str(before);
        let hex = after.get(..4).filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        if let Some(hex) = hex {
            twice.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
            rest = &after[4..];
        } else {
            twice.push_str("\\u");
            rest = after;
        }
    }
    twice.push_str(rest);
    Some(twice)
}

//! The smallest parts of a JSON text: strings, numbers, words, white space.

use wide::u8x16;

use super::NotJson;

/// A place in a text. The steps are inlined into the loops that take them and the scanner lives in
/// these, so that `at` stays in a register: half of the reader's speed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    #[inline(always)]
    pub(super) const fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    #[inline(always)]
    pub(super) const fn is_at_the_end(&self) -> bool {
        self.at == self.text.len()
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    pub(super) fn accept(&mut self, sign: u8) -> bool {
        if self.peek() != Some(sign) {
            return false;
        }
        self.at += 1;
        true
    }

    #[inline(always)]
    pub(super) fn expect(&mut self, sign: u8) -> Result<(), NotJson> {
        if self.peek() != Some(sign) {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether a comma comes, and not the end of a list or an object: a guess that is right nearly
    /// always, so that what comes behind it is under way before it has been read.
    #[inline(always)]
    pub(super) fn goes_on(&mut self, close: u8) -> Result<bool, NotJson> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(sign) if sign == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(NotJson),
        }
    }

    #[inline(always)]
    pub(super) fn word(&mut self, word: &[u8]) -> Result<(), NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    /// Of an indented document most is line feeds, each with some spaces behind it.
    #[inline(always)]
    pub(super) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
            if self.peek() == Some(b' ')
                && let Some(word) = self.text[self.at..].first_chunk()
            {
                let others = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b' '; 8]);
                self.at += others.trailing_zeros() as usize / 8;
            }
        }
    }

    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<(), NotJson> {
        self.accept(b'-');
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        if self.accept(b'e') || self.accept(b'E') {
            let _ = self.accept(b'+') || self.accept(b'-');
            self.digits()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }

    /// Everything up to a quote, a backslash, a control character or the end.
    #[inline(always)]
    pub(super) fn skip_plain(&mut self) {
        self.at += plain_length(&self.text[self.at..]);
    }

    /// The character that an escape stands for, from behind its backslash.
    pub(super) fn escape(&mut self) -> Result<char, NotJson> {
        let sign = self.peek().ok_or(NotJson)?;
        self.at += 1;
        Ok(match sign {
            b'"' | b'\\' | b'/' => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(NotJson),
        })
    }

    /// `XXXX`, or the surrogate pair `XXXX\uXXXX`. A surrogate on its own names no character.
    fn unicode(&mut self) -> Result<char, NotJson> {
        let unit = self.code_unit()?;
        if !matches!(unit, 0xd800..0xdc00) {
            return char::from_u32(unit).ok_or(NotJson);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let low = self.code_unit()?;
        if !matches!(low, 0xdc00..0xe000) {
            return Err(NotJson);
        }
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(NotJson)
    }

    fn code_unit(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16).ok_or(NotJson)?;
        }
        self.at += 4;
        Ok(unit)
    }
}

/// How many bytes come before a quote, a backslash or a control character: sixteen at a time, as most
/// names and values are no longer.
#[inline(always)]
fn plain_length(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (at, block) in blocks.iter().enumerate() {
        let block = u8x16::new(*block);
        let ends = block.simd_eq(u8x16::splat(b'"'))
            | block.simd_eq(u8x16::splat(b'\\'))
            | block.max(u8x16::splat(b' ' - 1)).simd_eq(u8x16::splat(b' ' - 1));
        let found = ends.to_bitmask();
        if found != 0 {
            return at * 16 + found.trailing_zeros() as usize;
        }
    }
    let end = rest.iter().position(|it| matches!(it, b'"' | b'\\' | ..b' '));
    bytes.len() - rest.len() + end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_is_plain_up_to_its_first_sign(text in "[a\"\\\\\n\u{0}\u{1f} !é\u{7f}]{0,40}") {
            let end = text.bytes().position(|it| matches!(it, b'"' | b'\\' | ..b' '));
            prop_assert_eq!(plain_length(text.as_bytes()), end.unwrap_or(text.len()));
        }

        #[test]
        fn white_space_is_skipped_and_nothing_else(text in "[ \t\n\r]{0,30}[a \u{b}\u{0}é]{0,9}") {
            let mut scanner = Scanner::new(text.as_bytes(), 0);
            scanner.skip_whitespace();
            let end = text.bytes().position(|it| !matches!(it, b' ' | b'\t' | b'\n' | b'\r'));
            prop_assert_eq!(scanner.at, end.unwrap_or(text.len()));
        }
    }
}

//! The shape of a token: which kinds of signs stand where, and how many of them.

use serde::{Deserialize, Serialize};

/// Signs of one kind, by which a token's are told apart. Bits.
const DIGIT: u8 = 1;
const LOWER_HEX: u8 = 1 << 1;
const LOWER: u8 = 1 << 2;
const UPPER_HEX: u8 = 1 << 3;
const UPPER: u8 = 1 << 4;

/// Each bit, and what stands for it in a class of a regular expression.
const CLASSES: [(u8, &str); 5] =
    [(DIGIT, "0-9"), (UPPER_HEX, "A-F"), (UPPER, "G-Z"), (LOWER_HEX, "a-f"), (LOWER, "g-z")];

/// What joins the parts of a token.
const JOINS: &str = "-_./:+=~";

/// A token mixes letters and digits in a part of so many signs. Shorter ones are words, numbers and
/// days, and a change in those is seldom noise.
const MIXED: u32 = 6;

/// Longer texts are no tokens.
const LENGTH: usize = 512;

/// The shape of tokens: nothing of them but kinds of signs, lengths, and what joins their parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    /// Letters and digits: of which kinds, and how many at least and at most.
    Run(u8, u32, u32),
    /// A sign of [`JOINS`].
    Join(char),
}

impl Shape {
    /// `None` for a text that is no token.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if text.len() > LENGTH {
            return None;
        }
        let mut parts: Vec<Part> = Vec::new();
        for sign in text.chars() {
            let kind = match sign {
                '0'..='9' => DIGIT,
                'a'..='f' => LOWER_HEX,
                'g'..='z' => LOWER,
                'A'..='F' => UPPER_HEX,
                'G'..='Z' => UPPER,
                _ if JOINS.contains(sign) => {
                    parts.push(Part::Join(sign));
                    continue;
                }
                _ => return None,
            };
            match parts.last_mut() {
                Some(Part::Run(kinds, least, most)) => {
                    *kinds |= kind;
                    *least += 1;
                    *most += 1;
                }
                _ => parts.push(Part::Run(kind, 1, 1)),
            }
        }
        let is_mixed = |it: &Part| {
            matches!(it, Part::Run(kinds, least, _)
                if *least >= MIXED && kinds & DIGIT != 0 && kinds & !DIGIT != 0)
        };
        parts.iter().any(is_mixed).then_some(Self(parts))
    }

    /// The shape of both; `None` when their parts are not joined alike.
    pub(crate) fn joined(&self, other: &Self) -> Option<Self> {
        if self.0.len() != other.0.len() {
            return None;
        }
        let both = self.0.iter().zip(&other.0).map(|it| match it {
            (Part::Run(kinds, least, most), Part::Run(others, fewest, largest)) => {
                Some(Part::Run(kinds | others, *least.min(fewest), *most.max(largest)))
            }
            (Part::Join(one), Part::Join(other)) if one == other => Some(Part::Join(*one)),
            _ => None,
        });
        both.collect::<Option<_>>().map(Self)
    }

    /// Whether the other, whose parts are joined alike, has no other kinds of signs, and parts of no
    /// more than twice the length and no less than half of it.
    pub(crate) fn spans_twice(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|it| match it {
            (Part::Run(kinds, least, most), Part::Run(others, fewest, largest)) => {
                others & !kinds == 0 && *fewest >= least.div_ceil(2) && *largest <= 2 * most
            }
            _ => true,
        })
    }

    /// A regular expression that such tokens match as a whole.
    pub(crate) fn pattern(&self) -> String {
        let part = |it: &Part| match it {
            Part::Join(sign @ ('.' | '+')) => format!("\\{sign}"),
            Part::Join(sign) => sign.to_string(),
            Part::Run(kinds, least, most) => {
                let classes = CLASSES.iter().filter(|(bit, _)| kinds & bit != 0);
                let classes: String = classes.map(|(_, it)| *it).collect();
                let classes = classes.replace("A-FG-Z", "A-Z").replace("a-fg-z", "a-z");
                if least == most {
                    format!("[{classes}]{{{least}}}")
                } else {
                    format!("[{classes}]{{{least},{most}}}")
                }
            }
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(texts: &[&str]) -> Option<String> {
        let mut shapes = texts.iter().map(|it| Shape::of(it));
        let first = shapes.next()??;
        shapes.try_fold(first, |all, it| all.joined(&it?)).map(|it| it.pattern())
    }

    #[test]
    fn tokens_of_one_shape_are_one_pattern() {
        for (texts, expected) in [
            (["ord_8fk2q9", "ord_x91z02"], "[a-z]{3}_[0-9a-z]{6}"),
            (["0a1b2c3d", "ffff0000e1"], "[0-9a-f]{8,10}"),
            (["A1B2C3.x+1=", "D4E5F6.y+2="], r"[0-9A-F]{6}\.[g-z]{1}\+[0-9]{1}="),
            (["aB3dEf7h", "Zz9yXw8v"], "[0-9A-Za-z]{8}"),
        ] {
            assert_eq!(pattern(&texts).as_deref(), Some(expected), "{texts:?}");
        }
    }

    #[test]
    fn words_numbers_days_and_sentences_are_no_tokens() {
        for text in [
            "lamp",
            "lamp-of-glass",
            "12345678",
            "2026-11-24",
            "order-17",
            "a1 b2c3d4",
            "",
            "ä1b2c3d4",
        ] {
            assert_eq!(Shape::of(text), None, "{text}");
        }
        assert_eq!(Shape::of(&"a1".repeat(300)), None);
    }

    #[test]
    fn what_is_joined_otherwise_has_another_shape() {
        for other in ["ord-x91z02", "x91z02", "ord_x91z02_1"] {
            assert_eq!(pattern(&["ord_8fk2q9", other]), None, "{other}");
        }
    }
}

//! Postal addresses, as far as they can be told from other texts: a street with a number.

/// What a street is called, alone or at the end of a longer word.
const STREETS: [&str; 28] = [
    "allee",
    "avenida",
    "avenue",
    "boulevard",
    "calle",
    "chaussee",
    "drive",
    "gasse",
    "gata",
    "lane",
    "laan",
    "platz",
    "plaza",
    "rd",
    "road",
    "rua",
    "rue",
    "st",
    "str",
    "straat",
    "strasse",
    "straße",
    "street",
    "ulica",
    "utca",
    "vej",
    "via",
    "weg",
];

/// How these end words; the rest would end words of any kind.
const ENDINGS: [&str; 8] = ["allee", "gasse", "platz", "straat", "strasse", "straße", "str", "weg"];

/// A number stands so many words from the street at most: `221B Baker Street`, `Rue de la Paix 4`.
const REACH: usize = 4;

/// Whether the text has a street and a number beside it.
pub(super) fn has_address(value: &str) -> bool {
    // Looking for numbers is quick, and most texts have none.
    if !words(value).any(is_number) {
        return false;
    }
    let (mut last_street, mut last_number) = (None, None);
    for (at, word) in words(value).enumerate() {
        if is_number(word) {
            last_number = Some(at);
        } else if is_street(word) {
            last_street = Some(at);
        } else {
            continue;
        }
        let both: Option<(usize, usize)> = last_street.zip(last_number);
        if both.is_some_and(|(one, other)| one.abs_diff(other) <= REACH) {
            return true;
        }
    }
    false
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let around = |it: char| matches!(it, '.' | ';' | ':' | '(' | ')' | '"' | '\'');
    let words = text.split([' ', ',', '\n', '\t', '\u{a0}']);
    words.map(move |it| it.trim_matches(around))
}

/// `221B`, `4-6`.
fn is_number(word: &str) -> bool {
    word.len() <= 6 && word.starts_with(|it: char| it.is_ascii_digit()) && !word.contains('.')
}

fn is_street(word: &str) -> bool {
    let ends = |ending: &str| {
        let from = word.len().checked_sub(ending.len());
        from.and_then(|it| word.get(it..)).is_some_and(|it| it.eq_ignore_ascii_case(ending))
    };
    STREETS.iter().any(|it| it.eq_ignore_ascii_case(word)) || ENDINGS.iter().any(|it| ends(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_street_with_a_number_is_an_address() {
        for value in [
            "221B Baker Street, London",
            "Unter den Linden 6, Kastanienallee 1",
            "Lange Straße 12",
            "Hauptstr. 4-6\n12345 Berlin",
            "12 rue de la Paix",
        ] {
            assert!(has_address(value), "{value}");
        }
    }

    #[test]
    fn what_is_sold_is_none() {
        for value in
            ["A lamp for the street", "Lamp 40 × 20 cm", "Poster of Abbey Road", "7 drives", ""]
        {
            assert!(!has_address(value), "{value}");
        }
    }
}
